import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { dropOldEntries } from '../src/adapters/postgres/audit/audit-retention.ts';
import { pageOfHeads } from '../src/adapters/postgres/audit/export-audit.ts';
import { entryAt, type Line, newLog, rehash, set } from './support/verified-log.ts';

test('what cannot be checked is not called wrong', async (t) => {
  const log = await newLog(t);
  await log.write(2);
  const good = await log.export();
  const list = join(log.folder, 'heads.json');
  await writeFile(list, JSON.stringify({ items: [], keys: [] }));
  for (const options of [['--key', join(log.folder, 'nowhere.pem')], ['--key', list], ['--head', list], ['--strict']]) {
    assert.equal(await log.verify(good, ...options), '2 ', options.join(' '));
  }
});

test('an export is found good, whatever was done to it is found, and where', async (t) => {
  const log = await newLog(t);
  await log.write(8); // heads after 1, 4 and 7
  const good = await log.export();
  assert.match(await log.verify(good), /^0 OK: 8 entries, 1 to 8; head 7 signed at /);
  const broken = async (change: (lines: Line[]) => unknown) => {
    const lines = structuredClone(good);
    const changed = change(lines);
    return log.verify(Array.isArray(changed) ? changed : lines);
  };
  assert.match(
    await broken((lines) => set(lines[entryAt(lines, 3)].entry, { result: 'x' })),
    /^1 NOT OK: entry 3 was changed/,
  );
  assert.match(
    await broken((lines) => set(lines[entryAt(lines, 3)].entry.after, { é: [1, null, 1] })),
    /^1 NOT OK: entry 3 was changed/,
  );
  assert.match(await broken((lines) => lines.toSpliced(entryAt(lines, 5), 1)), /^1 NOT OK: entry 5 is missing/);
  assert.match(
    await broken((lines) => {
      const at = entryAt(lines, 5);
      return lines.toSpliced(at, 2, lines[at + 1], lines[at]);
    }),
    /^1 NOT OK: entry 5 is missing: entry 6 is in its place/,
  );
  // Changed together with its hash, the next one does not follow; changed with all hashes after it, the next head tells.
  const rewriteFrom = (lines: Line[], seq: number, last: number) => {
    for (let one = seq; one <= last; one++) {
      const line = lines[entryAt(lines, one)];
      if (one > seq) line.entry.previous_hash = lines[entryAt(lines, one - 1)].hash;
      else line.entry.result = 'x';
      rehash(line);
    }
  };
  assert.match(await broken((lines) => rewriteFrom(lines, 5, 5)), /^1 NOT OK: entry 6 does not follow/);
  assert.match(
    await broken((lines) => rewriteFrom(lines, 5, 8)),
    /^1 NOT OK: the head signed at .* speaks of another entry 7/,
  );
  const headAt = good.findIndex(({ head }) => head?.seq === 7);
  assert.match(
    await broken((lines) => set(lines[headAt].head, { at: '2020-01-01T00:00:00.000Z' })),
    /^1 NOT OK: the signature/,
  );
  assert.match(await broken((lines) => set(lines[headAt].head, { key_id: 'mine' })), /^1 NOT OK: .* was not given/);
  assert.match(await broken((lines) => lines.slice(0, -1)), /^1 NOT OK: the export is incomplete/);
  // What others would read otherwise, or what would show something else on the screen of who checks.
  const twice = JSON.stringify(good[1]).replace('"action":', '"action":"never","action":');
  assert.match(await log.verify(good.with(1, twice)), /^1 NOT OK: line 2 is not written as an export writes it/);
  const deep = `{"entry":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  assert.match(await log.verify(good.with(1, deep)), /^1 NOT OK: line 2 is not written as an export writes it/);
  const shown = await log.verify(good.with(1, { kind: '\u001b[2K\rOK: 8 entries\u009b' }));
  assert.match(shown, /^1 NOT OK: a line of the kind [^\p{Cc}]*\n$/u);
  assert.match(await broken((lines) => lines.filter(({ kind }) => kind !== 'head')), /^1 NOT OK: .*no signed head/);
});

test('a tail that was cut off is found by a head that speaks of it, in the export or kept elsewhere', async (t) => {
  const log = await newLog(t);
  await log.write(7);
  const good = await log.export();
  const cut = (keepHead: boolean) =>
    good
      .filter(({ entry, head }) => !(entry?.seq > 5) && (keepHead || !(head?.seq > 5)))
      .map((line) => (line.kind === 'end' ? { ...line, last_seq: 5 } : line));
  assert.match(await log.verify(cut(true)), /^1 NOT OK: a head signed at .* speaks of entry 7, but the log ends at 5/);
  assert.match(await log.verify(cut(false)), /^0 OK: 5 entries/); // nothing in it knows better
  const kept = join(log.folder, 'head.json');
  const { heads } = await pageOfHeads(log.database, { size: 1, token: '' });
  await writeFile(kept, JSON.stringify({ ...heads[0]?.head, signature: heads[0]?.signature }));
  assert.match(await log.verify(cut(false), '--head', kept), /^1 NOT OK: a head signed at .* speaks of entry 7/);
  assert.match(await log.verify(good, '--head', kept), /^0 OK: 7 entries/);
});

test('a part of the log hangs on the head before it, or says that it does not', async (t) => {
  const log = await newLog(t);
  await log.write(8);
  assert.match(
    await log.verify(await log.export(4)),
    /^0 OK: 4 entries, 5 to 8; head 7 [^\n]*\n *1 entries came after[^\n]*\n$/,
  );
  assert.match(
    await log.verify(await log.export(5)),
    /^0 OK: 3 entries, 6 to 8; [\s\S]*what is before 6 was not looked at/,
  );
  assert.match(await log.verify(await log.export(2, 4)), /^0 OK: 2 entries, 3 to 4; head 4/);
});

test('entries whose time has passed go, and a signed anchor stands for them', async (t) => {
  const log = await newLog(t);
  await log.write(4, new Date(Date.now() - 40 * 86_400_000));
  await log.write(3);
  assert.equal(await dropOldEntries(log.database, log.signer, 60), false);
  assert.match(await log.verify(await log.export()), /^0 OK: 7 entries, 1 to 7/);
  await dropOldEntries(log.database, log.signer, 30);
  const left = await log.export();
  assert.match(await log.verify(left), /^0 OK: 3 entries, 5 to 7; head 7 [^\n]*\n$/);
  const others = structuredClone(left);
  for (const line of others) if (line.entry?.seq === 5) line.entry.previous_hash = '0'.repeat(64);
  for (const line of others) if (line.entry?.seq === 5) rehash(line);
  assert.match(await log.verify(others), /^1 NOT OK: entry 5 does not follow/);
  await assert.rejects(log.database.execute('DELETE FROM audit_entries WHERE seq = 5'), /append-only/);
});
