import { chmodSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresUserReaches } from '@berth/local-servers';

/** What a test's context and node:test's own `after` have in common, so that a `before` hook may use either. */
export interface TestScope {
  after(run: () => void | Promise<void>): void;
}

/**
 * Runs `cleanUp` after all other clean-up of the test, although that is registered later: what a test borrowed first
 * (a database) goes away after what uses it (a connection). node:test itself runs these in the order they were given.
 */
export function lastly(scope: TestScope, cleanUp: () => void | Promise<void>): void {
  scope.after(() => scope.after(cleanUp));
}

/** A new folder that is removed after the test. Other users (Postgres under root) can pass through it. */
export function temporaryFolder(scope: TestScope): string {
  const folder = newTemporaryFolder('test');
  lastly(scope, () => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}

/** A new folder that nobody removes by itself. */
export function newTemporaryFolder(what: string): string {
  const parent = [tmpdir(), '/tmp', '/var/tmp'].find(postgresUserReaches) ?? tmpdir();
  const folder = mkdtempSync(join(parent, `berth-${what}-`));
  chmodSync(folder, 0o711);
  return folder;
}
