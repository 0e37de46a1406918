-- CA certificates of a service, which groups name in their caReferences.

CREATE TABLE ca_certificates (
    service_id  BIGINT NOT NULL REFERENCES services,
    name        TEXT COLLATE "C" NOT NULL,
    etag        TEXT COLLATE "C" NOT NULL,
    document    BYTEA  NOT NULL,
    PRIMARY KEY (service_id, name)
);
