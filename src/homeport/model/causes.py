"""THE catalogue of causes: why a device was refused, one row each, for the operator who has to mend it.

An answer to a device says the class of its fault (`errors.py`); the exact cause goes to log, metrics and the last
failure of its registration, by one word. Here stands what the word means and what to change. `homeport explain` and
the reference page show these rows. Knows nobody who raises them; a test holds that each has its row.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cause:
    """What has happened, and what to do about it; a sentence or two each."""

    meaning: str
    remedy: str


_RENEW = "Issue the device a new certificate; until then allow expired ones for the entry (allowExpiredCertificates)."
_RENEW_CA = (
    "Renew the named CA certificate, and show or upload the new one in its place; until then allow expired ones for "
    "the entry (allowExpiredCertificates)."
)
_PKI = "Correct the profile by which your PKI issues certificates, and issue this one again."

CAUSES: Mapping[str, Cause] = {
    # who it is
    "unknown_id_scope": Cause("No provisioning service here has this ID scope.", "Correct the device's ID scope."),
    "unknown_registration_id": Cause(
        "No individual enrollment has this registration ID, and no group could vouch for it.",
        "Enroll the device, or the group whose key or CA it was made with; check the spelling of its ID.",
    ),
    "disabled": Cause("The device proved itself, and its entry is disabled.", "Enable the entry to let it in."),
    "disabled_unproven": Cause(
        "The device's individual enrollment is disabled, and its proof did not hold either.",
        "Enable the entry, or delete it: then a group may vouch for the device.",
    ),
    "entry_gone": Cause(
        "The entry that vouched for the device was deleted, or attests by another mechanism now.",
        "Enroll it again, or let the device register anew.",
    ),
    "no_credential": Cause(
        "The device showed no SAS token, and the entry asks for one.",
        "Give the device the entry's key; or, if it has a certificate, enroll it by X.509.",
    ),
    # symmetric keys
    "sas_malformed": Cause("The SAS token cannot be read.", "Update the device's SDK, or mend how it makes tokens."),
    "sas_expired": Cause(
        "The SAS token has expired.", "Set the device's clock, or let it make tokens that live longer."
    ),
    "sas_resource": Cause(
        "The SAS token is for another resource.",
        "Let it sign {idScope}/registrations/{registrationId} of this very registration.",
    ),
    "sas_key_name": Cause(
        "The SAS token names a policy.", "Devices sign with their own key and the key name `registration`, or none."
    ),
    "wrong_key": Cause(
        "The token is not signed with a key of the device's individual enrollment.",
        "Give the device one of the entry's keys: the attestation mechanism of the entry shows them.",
    ),
    "group_key_itself": Cause(
        "The token is signed with a group's own key.",
        "Derive the device's key: HMAC-SHA256 of its registration ID under the group's key. Replace the group's key, "
        "which must not be on devices.",
    ),
    "no_entry_fits": Cause(
        "There is no individual enrollment, and no group's key derives the one that the token is signed with.",
        "Check which group the device was made for, and that its key was derived for this ID, in this spelling.",
    ),
    # certificates
    "no_certificate": Cause(
        "The device showed no client certificate, and the entry asks for one.",
        "Give the device its certificate and key; check that no proxy ends TLS on the way.",
    ),
    "wrong_certificate": Cause(
        "The certificate is neither the primary nor the secondary one of the device's individual enrollment.",
        "Put the device's certificate into the entry, or the entry's on the device.",
    ),
    "common_name": Cause(
        "The certificate's common name is not the registration ID.",
        "Register with the common name as the ID, or issue the certificate for this ID.",
    ),
    "common_name_case": Cause(
        "The certificate's common name is the registration ID in other case.",
        "Let the device register with the spelling of its certificate.",
    ),
    "broken_der": Cause("A certificate that the device showed cannot be read.", _PKI),
    "duplicate_extensions": Cause("A certificate has the same extension twice.", _PKI),
    "chain_too_long": Cause(
        "The device showed more certificates than are accepted.", "Let it send its own and the intermediates, no more."
    ),
    "chain_too_complex": Cause(
        "There are too many ways through the certificates that the device showed.",
        "Let it send its own and the intermediates of one path.",
    ),
    "unknown_root": Cause(
        "The chain ends at a self-signed certificate that is not known here.",
        "Put that CA certificate into an enrollment group, or add and verify it as a CA certificate of the service.",
    ),
    "missing_intermediate": Cause(
        "The chain breaks off: the named issuer was neither shown by the device nor is it known here.",
        "Put the intermediates behind the device's certificate in its file; or enroll a group by that issuer.",
    ),
    "bad_signature": Cause(
        "A certificate is not signed by the one that it names as its issuer.",
        "Look whether two CAs share a name, or the certificate was tampered with.",
    ),
    "no_group_for_chain": Cause(
        "The chain leads to a verified CA certificate of the service that no enrollment group refers to.",
        "Create a group with that CA certificate in caReferences.",
    ),
    "ca_certificate_gone": Cause(
        "The chain leads nowhere, and a group refers to a CA certificate that is deleted or not verified.",
        "Add and verify the CA certificate again under its name, or correct the group's caReferences.",
    ),
    "certificate_in_two_entries": Cause(
        "The certificate that vouches for the device stands in more than one group; none of them decides.",
        "Leave it in one of the named groups.",
    ),
    "expired": Cause("The device's certificate has expired.", _RENEW),
    "not_yet_valid": Cause("The device's certificate is not valid yet.", "Set the clock of this server or of your CA."),
    "ca_expired": Cause("A CA certificate of the chain has expired.", _RENEW_CA),
    "ca_not_yet_valid": Cause("A CA certificate of the chain is not valid yet.", "Check when it begins."),
    "not_a_ca": Cause("A certificate that signed another one is no CA certificate.", _PKI),
    "path_length_exceeded": Cause("There are more CA certificates below a CA than it allows.", _PKI),
    "name_constraints": Cause("A CA certificate does not allow a name below it.", _PKI),
    "wrong_eku": Cause("A certificate's extended key usage leaves out client authentication.", _PKI),
    "key_usage": Cause("A certificate's key usage forbids what its key was used for.", _PKI),
    "weak_signature": Cause("A certificate is signed with SHA-1 or another weak algorithm.", _PKI),
    "weak_key": Cause("A certificate's key is too short, or of a kind that is not accepted.", _PKI),
    "unknown_critical_extension": Cause("A certificate has a critical extension that is not understood here.", _PKI),
    "profile_violation": Cause("A CA certificate of the chain breaks the rules of RFC 5280.", _PKI),
    # TPMs
    "tpm_keys_missing": Cause(
        "The device did not show its TPM's endorsement key and storage root key.", "Let it register by TPM attestation."
    ),
    "wrong_endorsement_key": Cause(
        "The endorsement key is not the one of the device's enrollment.",
        "Read the endorsement key from this device's TPM, and put it into the entry.",
    ),
    "malformed_endorsement_key": Cause(
        "The endorsement key is none that a credential can be made for.", "It must be RSA-2048, as TPM2B_PUBLIC."
    ),
    "malformed_storage_root_key": Cause(
        "The storage root key is none that a credential can be made for.", "It must be RSA-2048, as TPM2B_PUBLIC."
    ),
    "tpm_no_challenge": Cause(
        "The token answers a challenge that is over, or there was none.", "Let the device register from the beginning."
    ),
    "tpm_wrong_key": Cause(
        "The token is not signed with the key of the TPM's newest challenge.",
        "Two registrations of the device may overlap, or the key was not activated in its TPM; let it begin again.",
    ),
    "tpm_challenge_spent": Cause(
        "The token answers a challenge that has counted before.", "Let the device ask for a new one: register anew."
    ),
    # after the proof
    "hub_refused": Cause("The hub refused the device.", "The message says why; mend the entry, then register again."),
    "no_hub": Cause("No linked hub can take the device.", "Link a hub, or correct the hubs of the entry."),
}
"""Every cause by its word."""

UNEXPLAINED = Cause("There is no more to tell than the message says.", "Look for the correlation ID in the log.")
"""For the words of faults in requests, which the message explains by itself."""
