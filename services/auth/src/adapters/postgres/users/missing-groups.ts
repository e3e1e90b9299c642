import { groupFact } from '../../../domain/access-facts.ts';
import type { OpenTransaction } from '../auth-transactions.ts';

/** Tells of groups of which nothing was ever told: those that a migration made. */
export async function tellMissingGroups(transaction: OpenTransaction): Promise<void> {
  await transaction.alone('groups');
  const missing = await transaction.sql.query<{ name: string }>(
    "SELECT name FROM groups WHERE name NOT IN (SELECT subject FROM access_facts WHERE kind = 'group')",
  );
  const groups = await transaction.groups.byNames(missing.map(({ name }) => name));
  for (const group of groups) transaction.tell(groupFact(group));
}
