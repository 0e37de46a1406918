-- Devices that prove themselves by certificate or TPM: what is kept of the proof, and the open challenges.

ALTER TABLE registrations ADD COLUMN evidence BYTEA;

CREATE TABLE tpm_challenges (
    service_id  BIGINT NOT NULL,
    folded_id   TEXT COLLATE "C" NOT NULL,
    sealed      BYTEA  NOT NULL,
    expires_at  BIGINT NOT NULL,
    spent_on    TEXT,
    PRIMARY KEY (service_id, folded_id)
);
