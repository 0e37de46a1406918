-- Services, their linked hubs and their shared access policies.

-- name: insert_service
-- A new service; fails if its number or its ID scope is taken.
INSERT INTO services (service_id, folded_id_scope, id_scope, name, host_name, allocation_policy, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: services
-- Every service of the deployment.
SELECT service_id, id_scope, name, host_name, allocation_policy, created_at FROM services ORDER BY service_id;

-- name: put_linked_hub
-- Link a hub, or change its link.
INSERT INTO linked_hubs (service_id, host_name, connector, allocation_weight, apply_allocation_policy)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (service_id, host_name) DO UPDATE SET
    connector = excluded.connector,
    allocation_weight = excluded.allocation_weight,
    apply_allocation_policy = excluded.apply_allocation_policy;

-- name: linked_hubs
-- The hubs of a service.
SELECT service_id, host_name, connector, allocation_weight, apply_allocation_policy
FROM linked_hubs WHERE service_id = ? ORDER BY host_name;

-- name: put_policy
-- A new policy, or another version of it.
INSERT INTO policies (service_id, hub_host_name, folded_key_name, key_name, rights, sealed_keys)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (service_id, hub_host_name, folded_key_name) DO UPDATE SET
    key_name = excluded.key_name,
    rights = excluded.rights,
    sealed_keys = excluded.sealed_keys;

-- name: delete_policy
-- One policy.
DELETE FROM policies WHERE service_id = ? AND hub_host_name = ? AND folded_key_name = ?;

-- name: policy
-- One policy with its keys.
SELECT service_id, hub_host_name, key_name, rights, sealed_keys
FROM policies WHERE service_id = ? AND hub_host_name = ? AND folded_key_name = ?;

-- name: policies
-- The policies of a service (empty host name), or of one of its hubs.
SELECT service_id, hub_host_name, key_name, rights, sealed_keys
FROM policies WHERE service_id = ? AND hub_host_name = ? ORDER BY folded_key_name;
