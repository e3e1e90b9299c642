import { chmodSync, mkdtempSync, statfsSync } from 'node:fs';
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

/** A new folder that nobody removes by itself; in memory where there is room, unless TMPDIR says where. */
export function newTemporaryFolder(what: string): string {
  const parent = placesForFolders().find(postgresUserReaches) ?? tmpdir();
  const folder = mkdtempSync(join(parent, `berth-${what}-`));
  chmodSync(folder, 0o711);
  return folder;
}

const memoryFolder = '/dev/shm';
/** A run takes a few hundred MB there; with less room than this the disk is the safer place. */
const roomInMemoryBytes = 4 * 1024 ** 3;

/**
 * A database of a test is a thousand files that live for a second: on a disk, making them takes ten times the processor
 * time and waits for everybody else's writes.
 */
function placesForFolders(): string[] {
  const onDisk = [tmpdir(), '/tmp', '/var/tmp'];
  return process.env['TMPDIR'] === undefined && hasRoomInMemory() ? [memoryFolder, ...onDisk] : onDisk;
}

function hasRoomInMemory(): boolean {
  try {
    const { bavail, bsize } = statfsSync(memoryFolder); // a container's is often 64 MB
    return Math.min(bavail * bsize, process.availableMemory()) >= roomInMemoryBytes;
  } catch {
    return false; // another system than Linux
  }
}
