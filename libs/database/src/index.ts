export type { EntityManager } from '@mikro-orm/postgresql';
export { brokenConstraint, databaseFailure, isRepeatable, sqlStateOf } from './database-errors.ts';
export { defineMigration, type NamedMigration } from './define-migration.ts';
export { type Database, type DatabaseOptions, openDatabase } from './open-database.ts';
export { type Sql, sqlOf } from './sql.ts';
