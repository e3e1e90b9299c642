import type { EntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery } from 'kysely';
import type { Sql } from './sql.ts';

/** SQL inside the transaction that `entities` is in: it sees what was flushed, and commits or rolls back with it. */
export const sqlOfEntities = (entities: EntityManager): Sql => {
  const run = (text: string, values: readonly unknown[] = []) =>
    entities.getKysely().executeQuery(CompiledQuery.raw(text, [...values]));
  return {
    async query<Row>(text: string, values?: readonly unknown[]) {
      // As in sqlOf: the row type is a promise of whoever wrote the statement beside it.
      return (await run(text, values)).rows as Row[];
    },
    async execute(text, values) {
      const { numAffectedRows, rows } = await run(text, values);
      return Number(numAffectedRows ?? rows.length);
    },
  };
};
