import type { Sql } from '@berth/database';
import type { LimitStore } from '../../../app/limits/limit-store.ts';
import type { Block } from '../../../domain/limits/block.ts';
import type { LimitRule, LimitRules } from '../../../domain/limits/limit-rule.ts';

interface RulesRow {
  readonly rules: LimitRule[];
  readonly version: string;
}

/** A block as it lies in its table. */
export interface BlockRow {
  readonly subject: string;
  readonly reason: string;
  readonly blocked_at: string;
  readonly until: string;
  readonly automatic: boolean;
  readonly repetitions: number;
  readonly blocked_by: string;
  readonly blocked_by_name: string;
}

const toRules = (row: RulesRow | undefined): LimitRules => {
  if (row === undefined) throw new Error('the row of the limits is gone');
  return { rules: row.rules, version: Number(row.version) };
};

export const toBlock = ({ blocked_at, until, blocked_by, blocked_by_name, ...row }: BlockRow): Block => ({
  ...row,
  blockedAt: new Date(blocked_at),
  until: new Date(until),
  by: { id: blocked_by, name: blocked_by_name },
});

/** The limits for all, as they are now. */
export async function readRules(sql: Sql): Promise<LimitRules> {
  const [row] = await sql.query<RulesRow>('SELECT rules, version FROM limit_rules');
  return toRules(row);
}

/** Limits and blocks in auth's schema. */
export const limitRows = (sql: Sql): LimitStore => ({
  async rules() {
    const [row] = await sql.query<RulesRow>('SELECT rules, version FROM limit_rules FOR UPDATE');
    return toRules(row);
  },

  async saveRules(rules) {
    const [row] = await sql.query<RulesRow>(
      'UPDATE limit_rules SET rules = $1, version = version + 1 RETURNING rules, version',
      [JSON.stringify(rules)],
    );
    return toRules(row);
  },

  async blocksOf(subjects) {
    const rows = await sql.query<BlockRow>('SELECT * FROM blocks WHERE subject = ANY($1) ORDER BY subject FOR UPDATE', [
      subjects,
    ]);
    return rows.map(toBlock);
  },

  async saveBlocks(blocks) {
    if (blocks.length === 0) return;
    const column = <Name extends keyof Block>(name: Name) => blocks.map((block) => block[name]);
    await sql.execute(
      `INSERT INTO blocks (subject, reason, blocked_at, until, automatic, repetitions, blocked_by, blocked_by_name)
       SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::boolean[], $6::integer[], $7::text[], $8::text[])
       ON CONFLICT (subject) DO UPDATE SET reason = excluded.reason, blocked_at = excluded.blocked_at, until = excluded.until,
         automatic = excluded.automatic, repetitions = excluded.repetitions, blocked_by = excluded.blocked_by,
         blocked_by_name = excluded.blocked_by_name`,
      [
        ...[column('subject'), column('reason'), column('blockedAt'), column('until')],
        ...[column('automatic'), column('repetitions')],
        ...[blocks.map(({ by }) => by.id), blocks.map(({ by }) => by.name)],
      ],
    );
  },
});
