-- Devices that prove themselves by certificate or TPM: what is kept of the proof, and the open challenges.

-- JSON of model/attestation.py's Evidence; NULL for symmetric keys.
ALTER TABLE registrations ADD COLUMN evidence BLOB;

-- The newest challenge of a TPM. `sealed` holds its key and the TPM's public keys.
CREATE TABLE tpm_challenges (
    service_id  INTEGER NOT NULL,
    folded_id   TEXT    NOT NULL,
    sealed      BLOB    NOT NULL,
    expires_at  INTEGER NOT NULL,
    spent_on    TEXT,
    PRIMARY KEY (service_id, folded_id)
) STRICT, WITHOUT ROWID;
