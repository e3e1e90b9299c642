import type { Sql } from '@berth/database';
import type { FoundValue } from '../../../domain/adoption/adoption.ts';

/** A value with the place of who asks for it. */
export interface ValueAsked extends FoundValue {
  readonly place: number;
  readonly vmId: string;
}

/** A value that somebody holds who is not another on the router. */
export interface HeldValue {
  readonly place: number;
  readonly value: FoundValue;
  /** For people. */
  readonly by: string;
}

/** For `$1` to `$8` of statements about wanted values. */
export const wantedColumns = (router: string, values: readonly ValueAsked[]): unknown[] => [
  router,
  values.map(({ place }) => place),
  values.map(({ kind }) => kind),
  values.map(({ externalIp }) => externalIp),
  values.map(({ held }) => held.first),
  values.map(({ held }) => held.last),
  values.map(({ vmId }) => vmId),
  values.map(({ slot }) => slot),
];

/** Those of these values that VMs hold, that are in quarantine, or that are reserved; one for each place. */
export async function heldValues(
  sql: Sql,
  router: string,
  values: readonly ValueAsked[],
): Promise<readonly HeldValue[]> {
  if (values.length === 0) return [];
  const numbered = values.map((value, index) => ({ ...value, place: index }));
  const rows = await sql.query<{ place: number; kind: string; vm_name: string | null }>(
    `SELECT DISTINCT ON (w.place) w.place, a.kind, v.name AS vm_name
     FROM unnest($2::int[], $3::text[], $4::text[], $5::bigint[], $6::bigint[]) AS w (place, kind, external_ip, first, last)
     JOIN spaces s ON s.router = $1 AND s.kind = w.kind
       AND (s.external_ip = '' OR w.external_ip IS NULL OR w.external_ip = s.external_ip)
     JOIN allocations a ON a.space_id = s.id AND a.held && int8range(w.first, w.last, '[]') AND a.kind <> 'foreign'
     LEFT JOIN vms v ON v.id = a.vm_id AND a.kind = 'vm'
     ORDER BY w.place`,
    wantedColumns(router, numbered).slice(0, 6),
  );
  const held = rows.flatMap(({ place, ...row }) => {
    const value = values[place];
    return value ? [{ place: value.place, value, by: holderText(row) }] : [];
  });
  return held;
}

function holderText({ kind, vm_name }: { kind: string; vm_name: string | null }): string {
  if (kind === 'vm') return `is held by the VM ${vm_name ?? 'that is being made'}`;
  return kind === 'reserved' ? 'is reserved' : 'was given up not long ago and rests';
}
