import { defineMigration } from '@berth/database';

/** The forwards that every VM could have until now, by their place in its block. */
const oldTemplate = `(VALUES ('ssh', 0, 22), ('http', 1, 80), ('https', 2, 443)) AS t (name, place, port)`;

/** One forward as it was stored until now (alias f, from table x), as it is from now on. */
const newForward = `jsonb_build_object(
    'name', f ->> 'name', 'protocol', f ->> 'protocol', 'state', f ->> 'state',
    'internal', jsonb_build_object('first', f -> 'internalPort', 'last', f -> 'internalPort'),
    'external', CASE WHEN f ->> 'state' <> 'absent' THEN jsonb_build_object('first', f -> 'externalPort', 'last', f -> 'externalPort') END,
    'externalCount', 1, 'fixedPort', f -> 'fixedPort', 'blockRule', f -> 'ruleNumber', 'ownRules', NULL,
    'ofTemplate', f ->> 'name' IN ('ssh', 'http', 'https'),
    'sources', CASE WHEN f ->> 'source' = '' THEN '[]'::jsonb ELSE jsonb_build_array(f -> 'source') END,
    'description', f -> 'description')`;

const absentForward = `jsonb_build_object(
    'name', t.name, 'protocol', 'tcp', 'state', 'absent', 'internal', jsonb_build_object('first', t.port, 'last', t.port),
    'external', NULL, 'externalCount', 1, 'fixedPort', 0, 'blockRule', (rules ->> 'first')::int + t.place, 'ownRules', NULL,
    'ofTemplate', true, 'sources', '[]'::jsonb, 'description', '')`;

const wantedOf = (forwards: string) => `jsonb_build_object(
    'name', v.name, 'macAddress', v.mac_address, 'hostname', v.hostname, 'forwards', forwards_in_detail(${forwards}, v.rules))`;

/**
 * Forwards have ranges of ports, several sources and rule numbers of their own, and every VM lists those of its template, absent ones
 * too. What is on its way names all that can change about a VM. The template is a row that can be changed.
 */
export const forwardsInDetail = defineMigration('allocator-0004-forwards', [
  `CREATE TABLE forward_template (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    forwards jsonb NOT NULL,
    version bigint NOT NULL DEFAULT 1
  )`,
  `INSERT INTO forward_template (forwards)
   SELECT jsonb_agg(jsonb_build_object('name', t.name, 'protocol', 'tcp', 'internalPort', t.port, 'sources', '[]'::jsonb, 'description', '')
     ORDER BY t.place) FROM ${oldTemplate}`,
  `CREATE FUNCTION forwards_in_detail(old jsonb, rules jsonb) RETURNS jsonb LANGUAGE sql AS $$
     SELECT coalesce((SELECT jsonb_agg(${newForward} ORDER BY place) FROM jsonb_array_elements(old) WITH ORDINALITY AS x (f, place)), '[]')
       || coalesce((SELECT jsonb_agg(${absentForward} ORDER BY t.place) FROM ${oldTemplate}
            WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(old) o WHERE o ->> 'name' = t.name)), '[]')
   $$`,
  `ALTER TABLE operations
    ADD COLUMN edit jsonb,
    ADD COLUMN vm_update jsonb,
    ADD COLUMN retries integer NOT NULL DEFAULT 0`,
  `UPDATE operations o SET reserved = coalesce((
     SELECT jsonb_agg(jsonb_build_object('kind', k, 'slot', f ->> 'name',
       'held', jsonb_build_object('first', f -> 'externalPort', 'last', f -> 'externalPort')))
     FROM jsonb_array_elements(o.wanted) f
     CROSS JOIN LATERAL unnest(CASE f ->> 'protocol' WHEN 'tcp_udp' THEN ARRAY['tcp', 'udp'] ELSE ARRAY[f ->> 'protocol'] END) k
     WHERE f ->> 'state' <> 'absent' AND jsonb_exists(o.reserved, f ->> 'name')), '[]')
   WHERE jsonb_typeof(o.wanted) = 'array'`,
  `UPDATE operations o SET reserved = '[]' WHERE jsonb_typeof(o.wanted) IS DISTINCT FROM 'array'`,
  `UPDATE operations o SET wanted = ${wantedOf('o.wanted')} FROM vms v WHERE v.id = o.vm_id AND jsonb_typeof(o.wanted) = 'array'`,
  // Those of VMs that never came to be have ended; nobody asks what they wanted.
  `UPDATE operations SET wanted = NULL WHERE jsonb_typeof(wanted) <> 'object'`,
  `UPDATE operations SET result = result || jsonb_build_object('wanted', NULL, 'unsettled', false,
     'forwards', forwards_in_detail(result -> 'forwards', result -> 'rules')) WHERE jsonb_typeof(result) = 'object'`,
  `UPDATE vms v SET forwards = forwards_in_detail(v.forwards, v.rules),
     wanted = CASE WHEN jsonb_typeof(v.wanted) = 'array' THEN ${wantedOf('v.wanted')} END`,
  'DROP FUNCTION forwards_in_detail(jsonb, jsonb)',
  "CREATE INDEX vms_by_created ON vms (created_at, id) WHERE state NOT IN ('failed', 'removed')",
  "CREATE INDEX vms_by_updated ON vms (updated_at, id) WHERE state NOT IN ('failed', 'removed')",
  "CREATE INDEX vms_by_address ON vms ((internal_ip::inet), id) WHERE state NOT IN ('failed', 'removed')",
  "CREATE INDEX vms_of_group ON vms (owner_group, lower(name), id) WHERE state NOT IN ('failed', 'removed')",
]);
