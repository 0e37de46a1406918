"""The hubs that a provisioning service may assign devices to, and how it chooses among them."""

import enum

import msgspec

from homeport.model.identifiers import ServiceId


class AllocationPolicy(enum.StrEnum):
    """REST: `allocationPolicy` of an enrollment; each has one file in `provisioning/allocation/`."""

    HASHED = "hashed"
    GEO_LATENCY = "geoLatency"
    STATIC = "static"
    CUSTOM = "custom"


class LinkedHub(msgspec.Struct, frozen=True, kw_only=True):
    """A hub of a service. `connector` names the entry point that speaks to it.

    `allocation_weight` (1 to 1000) is its share of hashed allocation; with `apply_allocation_policy` false it
    stays linked, and entries may name it, but it receives no devices (the drain switch).
    """

    service_id: ServiceId
    host_name: str
    connector: str
    allocation_weight: int = 1
    apply_allocation_policy: bool = True
