-- Devices of an embedded hub that open it with a certificate: known by thumbprints, upper-case hex, and no keys.

ALTER TABLE hub_devices ADD COLUMN primary_thumbprint TEXT;
ALTER TABLE hub_devices ADD COLUMN secondary_thumbprint TEXT;
