-- CA certificates of services. Keyed by service and name.

-- name: insert
-- A new CA certificate; fails if there is one of that name.
INSERT INTO ca_certificates (etag, document, service_id, name) VALUES (?, ?, ?, ?);

-- name: replace
-- The CA certificate that has the expected etag.
UPDATE ca_certificates SET etag = ?, document = ? WHERE service_id = ? AND name = ? AND etag = ?;

-- name: delete
-- The CA certificate that has the expected etag.
DELETE FROM ca_certificates WHERE service_id = ? AND name = ? AND etag = ?;

-- name: of_service
-- All of a service.
SELECT document FROM ca_certificates WHERE service_id = ? ORDER BY name;
