import type { TestContext } from 'node:test';
import { openDatabase } from '@berth/database';
import { messagingTables } from '@berth/messaging';
import { freshDatabase } from '@berth/testing';
import { first } from '../../src/adapters/postgres/migrations/0001-first.ts';

export const vmId = '5b0a4a3e-0b7e-4a58-9d8f-0b6a0f0e1a11';

/** A router with its default pools and a VM with one forward, as the first version wrote them. */
const asTheFirstVersionLeftIt = [
  `INSERT INTO routers (name, epoch, sequence, state, retry_after_seconds, reason, site, gateway, version, inventory, inventory_loaded)
   VALUES ('default', 1, 1, 'ok', 0, '', '{"wanInterface": "eth0", "externalIp": "203.0.113.2", "dhcpNetwork": "LAN", "dhcpSubnet": "10.0.0.0/16"}', '10.0.0.1', '1.5', 1, 1)`,
  `INSERT INTO spaces (router, kind, external_ip) VALUES ('default', 'address', ''), ('default', 'tcp', '203.0.113.2'),
   ('default', 'udp', '203.0.113.2'), ('default', 'rule', '')`,
  `INSERT INTO pools (space_id, name) SELECT s.id, n FROM spaces s, unnest(ARRAY['default', 'rest']) n`,
  `INSERT INTO pool_ranges (space_id, pool_id, span) SELECT s.id, p.id, w.span FROM (VALUES
     ('address', 'default', '[167772162,167837695)'::int8range), ('tcp', 'default', '[32000,33001)'), ('udp', 'default', '[32000,33001)'),
     ('rule', 'default', '[10000,1000000)'), ('tcp', 'rest', '[1024,32000)'), ('tcp', 'rest', '[33001,65536)')
   ) w (kind, name, span) JOIN spaces s USING (kind) JOIN pools p ON p.space_id = s.id AND p.name = w.name`,
  `INSERT INTO allocations (space_id, held, kind, vm_id, slot) SELECT s.id, w.held, 'vm', '${vmId}', w.slot FROM (VALUES
     ('address', '[167772162,167772163)'::int8range, ''), ('tcp', '[32000,32001)', 'ssh'), ('rule', '[10000,10003)', '')
   ) w (kind, held, slot) JOIN spaces s USING (kind)`,
  `INSERT INTO free_spans (pool_id, first, last) SELECT p.pool_id, lower(free.span), upper(free.span) - 1 FROM pool_ranges p,
     unnest(int8multirange(p.span) - coalesce((SELECT range_agg(a.held) FROM allocations a WHERE a.space_id = p.space_id), '{}')) AS free (span)`,
  `INSERT INTO claims (kind, scope, value, vm_id) VALUES ('vm_name', '', 'vm', '${vmId}'), ('mapping', 'default', 'vm', '${vmId}'),
     ('mac', 'default 10.0.0.0/16', '52:54:00:00:00:01', '${vmId}')`,
  `INSERT INTO vms (id, name, mac_address, hostname, router, site, internal_ip, rules, owner_group, state, forwards, unsettled, revision,
     incarnation, version, created_at, updated_at)
   SELECT '${vmId}', 'vm', '52:54:00:00:00:01', 'vm', 'default', site, '10.0.0.2', '{"first": 10000, "last": 10002}', '', 'active',
     '[{"name": "ssh", "protocol": "tcp", "internalPort": 22, "state": "enabled", "externalPort": 32000, "ruleNumber": 10000, "fixedPort": 0, "source": "", "description": ""}]',
     false, 1, 1, 1, now(), now() FROM routers`,
];

/** The address of a database as the first version left it, with what `more` adds to it. */
export async function firstVersionDatabase(t: TestContext, more: readonly string[] = []): Promise<string> {
  const { url } = await freshDatabase(t);
  const migrations = [messagingTables, first];
  const database = await openDatabase({ url, schema: 'allocator', migrations, applicationName: 'test' });
  await database.migrate();
  for (const statement of [...asTheFirstVersionLeftIt, ...more]) await database.execute(statement);
  await database.close();
  return url;
}
