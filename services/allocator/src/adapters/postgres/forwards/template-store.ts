import { type AuditedState, differences } from '@berth/contracts';
import type { Database, Sql } from '@berth/database';
import { auditMessage, type Outbox } from '@berth/messaging';
import type { TemplateStore } from '../../../app/forwards/forward-template.ts';
import type { KeyUse } from '../../../app/ports.ts';
import type { ForwardTemplate, TemplateForward } from '../../../domain/forwards/forward-template.ts';

interface TemplateRow {
  readonly forwards: readonly TemplateForward[];
  readonly version: string;
}

const toTemplate = ({ forwards, version }: TemplateRow): ForwardTemplate => ({ forwards, version: Number(version) });

async function readTemplate(sql: Sql, lock = ''): Promise<ForwardTemplate> {
  const [row] = await sql.query<TemplateRow>(`SELECT forwards, version FROM forward_template ${lock}`);
  if (row === undefined) throw new Error('the table forward_template is empty');
  return toTemplate(row);
}

/** For the audit log, in the names of the API. */
const shown = ({ forwards, version }: ForwardTemplate): AuditedState => ({
  forwards: forwards.map(({ internalPort, ...forward }) => ({ ...forward, internal_port: internalPort })),
  version,
});

/** How long a key binds. */
const keysKept = '24 hours';

async function answerOf(sql: Sql, { scope, key }: KeyUse) {
  const [row] = await sql.query<{ answer: Uint8Array; fingerprint: Uint8Array }>(
    `SELECT answer, fingerprint FROM answered_keys WHERE scope = $1 AND key = $2 AND created_at > now() - interval '${keysKept}'`,
    [scope, key],
  );
  if (row === undefined) return undefined;
  const template: ForwardTemplate = JSON.parse(Buffer.from(row.answer).toString('utf8')); // as it was written below
  return { template, fingerprint: row.fingerprint };
}

const remember = (sql: Sql, { scope, key, fingerprint }: KeyUse, template: ForwardTemplate): Promise<number> =>
  sql.execute(
    `INSERT INTO answered_keys (scope, key, fingerprint, answer) VALUES ($1, $2, $3, $4)
     ON CONFLICT (scope, key) DO UPDATE SET fingerprint = excluded.fingerprint, answer = excluded.answer, created_at = excluded.created_at`,
    [scope, key, Buffer.from(fingerprint), Buffer.from(JSON.stringify(template))],
  );

/** The forwards that new VMs get, in the only row of its table: its lock also keeps uses of one key apart. */
export const postgresTemplates = ({
  database,
  outbox,
}: {
  readonly database: Database;
  readonly outbox: Outbox;
}): TemplateStore => ({
  read: () => readTemplate(database),

  update: ({ key, author }, change) =>
    outbox.transaction(async (sql, send) => {
      const stored = await readTemplate(sql, 'FOR UPDATE');
      const known = key && (await answerOf(sql, key));
      if (known) return known;
      const [clock] = await sql.query<{ now: string }>('SELECT clock_timestamp() AS now');
      const at = new Date(clock?.now ?? Number.NaN);
      const template = change(stored, at);
      if (template !== stored) {
        await sql.execute('UPDATE forward_template SET forwards = $1, version = $2', [
          JSON.stringify(template.forwards),
          template.version,
        ]);
        const resource = { id: '' };
        const changed = differences(shown(stored), shown(template));
        send(auditMessage(author, { action: 'forward_template.changed', resource, at, ...changed }));
      }
      if (key) await remember(sql, key, template);
      return { template, fingerprint: undefined };
    }),
});
