-- CA certificates of a service, which groups name in their caReferences.

-- `document` is JSON of model/ca_certificate.py's CaCertificate. Names are compared as they are written.
CREATE TABLE ca_certificates (
    service_id  INTEGER NOT NULL REFERENCES services,
    name        TEXT    NOT NULL,
    etag        TEXT    NOT NULL,
    document    BLOB    NOT NULL,
    PRIMARY KEY (service_id, name)
) STRICT;
