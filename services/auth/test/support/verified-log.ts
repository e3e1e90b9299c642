import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Database } from '@berth/database';
import { freshDatabase, type TestScope } from '@berth/testing';
import { Vault } from '@berth/vault';
import { writeAudit } from '../../src/adapters/postgres/audit/audit-rows.ts';
import { sealEntries } from '../../src/adapters/postgres/audit/audit-sealer.ts';
import { openAuditSigner } from '../../src/adapters/postgres/audit/audit-signer.ts';
import { auditKeys, exportPart } from '../../src/adapters/postgres/audit/export-audit.ts';
import { berthItself } from '../../src/app/asker.ts';
import { canonicalJson } from '../../src/domain/audit/audit-chain.ts';
import { openAuthDatabase } from '../../src/start-auth.ts';
import { sealed } from './audit-log.ts';
import { authSchema } from './auth-schema.ts';
import { masterKey } from './world.ts';

const tool = fileURLToPath(new URL('../../../../tools/audit-verify.ts', import.meta.url));
// biome-ignore lint/suspicious/noExplicitAny: tests change whatever they want in the lines
export type Line = any;

/** A log with a head after every third entry, and the tool at hand, with the key that the log began with. */
export async function newLog(t: TestScope) {
  const { url } = await freshDatabase(t, authSchema());
  const database = await openAuthDatabase(url);
  t.after(() => database.close());
  await database.migrate();
  const vault = new Vault([masterKey]);
  const signer = await openAuditSigner(database, vault);
  const folder = await mkdtemp(join(tmpdir(), 'berth-audit-'));
  t.after(() => rm(folder, { recursive: true }));
  const [key] = await auditKeys(database);
  await writeFile(join(folder, 'public.pem'), key?.public_key ?? '');
  const verify = async (lines: readonly Line[], ...more: string[]) => {
    const file = join(folder, 'export.ndjson');
    await writeFile(file, lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''));
    const { status, stdout } = spawnSync(process.execPath, [tool, file, '--key', join(folder, 'public.pem'), ...more]);
    return `${status} ${stdout}`;
  };
  return {
    ...{ database, signer, vault, folder, verify },
    /** Writes entries one by one, each sealed before the next is written. */
    async write(count: number, at = new Date()) {
      for (let index = 0; index < count; index++) {
        const before = await sealedSoFar(database);
        const entry = {
          action: 'user.changed' as const,
          resource: { id: `u${index}` },
          after: { é: [1, null, index / 3], text: 'one\u2028line\u2029to\u0085us' },
        };
        await database.transaction((sql) => writeAudit(sql, berthItself, at, [entry]));
        const seal = setInterval(() => void sealEntries(database, signer, { entries: 3, seconds: 3_600 }), 20);
        await sealed(database, before + 1).finally(() => clearInterval(seal));
      }
    },
    async export(afterSeq = 0, toSeq = 0): Promise<Line[]> {
      const lines: string[] = [];
      for (let after = afterSeq, first = true; ; first = false) {
        const part = await exportPart(database, { afterSeq: after, toSeq, first });
        lines.push(...part.lines);
        if (!part.more) return lines.map((line) => JSON.parse(line));
        after = part.lastSeq;
      }
    },
  };
}

const sealedSoFar = async (database: Database): Promise<number> => {
  const [row] = await database.query<{ count: string }>('SELECT count(seq) AS count FROM audit_entries');
  return Number(row?.count);
};

/** Where the entry stands among the lines. */
export const entryAt = (lines: readonly Line[], seq: number) => lines.findIndex(({ entry }) => entry?.seq === seq);
/** Changes a line. */
export const set = (line: Line, fields: object): void => void Object.assign(line, fields);
/** Gives the entry's line the hash that it should have. */
export const rehash = (line: Line) => {
  line.hash = createHash('sha256').update(canonicalJson(line.entry)).digest('hex');
};
