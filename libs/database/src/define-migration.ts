import { Migration } from '@mikro-orm/migrations';

/** A migration as the migrator takes it. */
export interface NamedMigration {
  readonly name: string;
  readonly statements: readonly string[];
  readonly class: typeof Migration & (new (...args: ConstructorParameters<typeof Migration>) => Migration);
}

/** A forward-only migration made of statements. Its name is its place in history: never rename or edit one that was released. */
export function defineMigration(name: string, statements: readonly string[]): NamedMigration {
  return {
    name,
    statements,
    class: class extends Migration {
      override up() {
        for (const statement of statements) this.addSql(statement);
      }
    },
  };
}
