"""Evenly weighted distribution: each registration ID has its hub, in proportion to the hubs' weights.

Weighted rendezvous hashing: a hub that joins or leaves moves only the devices that it gains or loses.
"""

import hashlib
import math
from collections.abc import Sequence

from homeport.model.identifiers import RegistrationId, folded
from homeport.model.linked_hub import LinkedHub


def choose(registration_id: RegistrationId, hubs: Sequence[LinkedHub]) -> LinkedHub:
    """The hub with the highest weighted score for this registration ID; `hubs` is not empty."""
    if len(hubs) == 1:
        return hubs[0]
    return max(hubs, key=lambda hub: (_score(registration_id, hub), hub.host_name))


def _score(registration_id: RegistrationId, hub: LinkedHub) -> float:
    text = f"{hub.host_name.lower()}\n{folded(registration_id)}"
    draw = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return -hub.allocation_weight / math.log((draw + 0.5) / 2**64)
