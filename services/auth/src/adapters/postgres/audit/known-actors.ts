import type { AuditActorKind } from '@berth/contracts';
import type { Sql } from '@berth/database';
import type { AuditEntry } from '../../../domain/audit/audit-chain.ts';
import { isUuid } from '../../../domain/uuid.ts';

interface ActorRow {
  readonly id: string;
  readonly kind: AuditActorKind;
  readonly name: string;
}

/**
 * Who has these ids, for what is told by id alone: users and keys that are there, of others what the log said of them last. Of whom neither
 * knows anything the kind is `unknown`.
 */
export async function knownActors(sql: Sql, ids: readonly string[]): Promise<(id: string) => AuditEntry['actor']> {
  const asked = [...new Set(ids)].filter((id) => id !== '');
  const rows =
    asked.length === 0
      ? []
      : await sql.query<ActorRow>(
          `SELECT id, kind, name FROM (
             SELECT id, 'user' AS kind, name FROM users WHERE id = ANY($1)
             UNION ALL SELECT id::text, 'api_key', CASE name WHEN '' THEN prefix ELSE name END FROM api_keys WHERE id = ANY($2::uuid[])
           ) AS there
           UNION ALL
           SELECT asked.id, said.actor_kind, said.actor_name FROM unnest($1::text[]) AS asked (id)
           CROSS JOIN LATERAL (
             SELECT actor_kind, actor_name FROM audit_entries WHERE actor_id = asked.id ORDER BY at DESC, arrival DESC LIMIT 1
           ) AS said`,
          [asked, asked.filter(isUuid)],
        );
  const known = new Map(rows.toReversed().map(({ id, kind, name }) => [id, { id, kind, name }])); // those that are there win
  return (id) =>
    id === '' ? { id, kind: 'service', name: 'berth' } : (known.get(id) ?? { id, kind: 'unknown', name: '' });
}
