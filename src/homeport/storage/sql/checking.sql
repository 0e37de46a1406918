-- What may be wrong with a database, without regard to what its rows mean to the program.

-- name: damage
-- What SQLite finds in its own structure: nothing, or a line a flaw.
SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok';

-- name: dangling
-- Rows that name a service which is not there, by table.
SELECT "table", count(*) FROM pragma_foreign_key_check GROUP BY "table";

-- name: without_device
-- Assigned records whose device is not in the registry of their embedded hub.
SELECT count(*) FROM registrations AS r
JOIN linked_hubs AS h ON h.service_id = r.service_id AND h.host_name = r.assigned_hub AND h.connector = 'embedded'
WHERE r.status = 'assigned' AND NOT EXISTS (
    SELECT 1 FROM hub_devices AS d
    WHERE d.service_id = r.service_id AND d.hub_host_name = r.assigned_hub AND d.device_id = r.device_id
);

-- name: without_subject
-- Records whose subject has another name, or none.
SELECT count(*) FROM registrations AS r
WHERE NOT EXISTS (
    SELECT 1 FROM subjects AS s
    WHERE s.service_id = r.service_id AND s.folded_id = r.folded_id AND s.subject_key = r.subject_key
);
