import { randomBytes } from 'node:crypto';
import { link, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { SecretFile } from '../../app/secret-file.ts';

const errorCode = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined);

async function read(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  await handle.sync();
  await handle.close();
}

/**
 * The file at `path`, with mode 600. It appears under its name complete or not at all: it is written and flushed beside it
 * and then linked, which fails when somebody else was first, whose secret is then taken.
 */
export const secretFileAt = (path: string): SecretFile => ({
  path,
  async takeOrMake(text) {
    const there = await read(path);
    if (there !== undefined) return there;
    const unfinished = `${path}.${randomBytes(6).toString('hex')}`;
    const handle = await open(unfinished, 'wx', 0o600);
    try {
      await handle.writeFile(`${text}\n`);
      await handle.sync();
      await handle.close();
      await link(unfinished, path);
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    } finally {
      await unlink(unfinished);
    }
    await sync(dirname(path)); // the name itself must outlive a power cut, since the secret's hash is stored next
    return (await read(path)) ?? text;
  },
});
