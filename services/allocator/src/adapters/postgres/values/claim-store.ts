import type { Sql } from '@berth/database';
import type { Claim, ClaimStore } from '../../../app/ports.ts';
import type { ClaimKind } from '../../../domain/errors.ts';

const claimWords: Record<ClaimKind, string> = {
  vm_id: 'the id',
  vm_name: 'the name',
  mac: 'the MAC address',
  mapping: 'the mapping name',
};

/** Claims in Postgres: the primary key has the last word. */
export const postgresClaims = (sql: Sql): ClaimStore => ({
  take: (claims) => take(sql, claims, 'ON CONFLICT DO NOTHING'),

  takeOver: (claims) =>
    take(
      sql,
      claims,
      'ON CONFLICT (kind, scope, value) DO UPDATE SET vm_id = excluded.vm_id WHERE claims.vm_id IS NULL',
    ),

  async keepOnly(vmIds, kept) {
    if (vmIds.length === 0) return;
    await sql.execute(
      `DELETE FROM claims WHERE vm_id = ANY($1) AND plan_id IS NULL
         AND (kind, scope, value, vm_id) NOT IN (SELECT * FROM unnest($2::text[], $3::text[], $4::text[], $5::uuid[]))`,
      [
        vmIds,
        kept.map(({ kind }) => kind),
        kept.map(({ scope }) => scope),
        kept.map(({ value }) => value),
        kept.map(({ vmId }) => vmId),
      ],
    );
  },

  async holders(claims) {
    const rows = await sql.query<{
      kind: ClaimKind;
      value: string;
      name: string | null;
      others: boolean;
      planned: boolean;
    }>(
      `SELECT c.kind, c.value, v.name, c.vm_id IS NULL AS others, c.plan_id IS NOT NULL AS planned
       FROM unnest($1::text[], $2::text[], $3::text[]) AS w (kind, scope, value)
       JOIN claims c ON (c.kind, c.scope, c.value) = (w.kind, w.scope, w.value) LEFT JOIN vms v ON v.id = c.vm_id ORDER BY 1, 2`,
      [claims.map(({ kind }) => kind), claims.map(({ scope }) => scope), claims.map(({ value }) => value)],
    );
    return rows.map(({ kind, value, name, others, planned }) => {
      const by = others ? 'others on the router' : planned ? 'a plan' : `the VM ${name ?? 'that is being made'}`;
      return { text: `${claimWords[kind]} ${value} is held by ${by}` };
    });
  },

  async release(vmIds) {
    if (vmIds.length > 0) await sql.execute('DELETE FROM claims WHERE vm_id = ANY($1)', [vmIds]);
  },
});

async function take(sql: Sql, claims: readonly Claim[], onConflict: string): Promise<readonly Claim[]> {
  if (claims.length === 0) return [];
  // In one order everywhere, so that transactions that want the same names do not wait for each other in a circle.
  const key = ({ kind, scope, value }: { kind: string; scope: string; value: string }) =>
    JSON.stringify([kind, scope, value]);
  const sorted = [...claims].sort((a, b) => (key(a) < key(b) ? -1 : 1));
  const columns = [sorted.map(({ kind }) => kind), sorted.map(({ scope }) => scope), sorted.map(({ value }) => value)];
  const asked = 'unnest($1::text[], $2::text[], $3::text[]';
  const taken = await sql.execute(
    `INSERT INTO claims (kind, scope, value, vm_id) SELECT * FROM ${asked}, $4::uuid[]) ${onConflict}`,
    [...columns, sorted.map(({ vmId }) => vmId)],
  );
  if (taken === claims.length) return [];
  const held = await sql.query<{
    kind: string;
    scope: string;
    value: string;
    vm_id: string | null;
    plan_id: string | null;
  }>(
    `SELECT kind, scope, value, vm_id, plan_id FROM claims WHERE (kind, scope, value) IN (SELECT * FROM ${asked}))`,
    columns,
  );
  const holders = new Map(held.map((row) => [key(row), row.vm_id]));
  // What a plan keeps for a VM is the VM's own once it takes it, also when it was not by that plan.
  if (held.some(({ plan_id }) => plan_id !== null)) {
    await sql.execute(
      `UPDATE claims c SET plan_id = NULL FROM ${asked}, $4::uuid[]) AS a (kind, scope, value, vm_id)
       WHERE c.plan_id IS NOT NULL AND (c.kind, c.scope, c.value, c.vm_id) = (a.kind, a.scope, a.value, a.vm_id)`,
      [...columns, sorted.map(({ vmId }) => vmId)],
    );
  }
  return claims.filter((claim) => holders.get(key(claim)) !== claim.vmId);
}
