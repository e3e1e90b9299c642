import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { AuditService } from '@berth/contracts';
import { type Bus, request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { Vault } from '@berth/vault';
import { dropOldEntries } from '../src/adapters/postgres/audit/audit-retention.ts';
import { openAuditSigner } from '../src/adapters/postgres/audit/audit-signer.ts';
import { auditKeys, exportPart, pageOfHeads } from '../src/adapters/postgres/audit/export-audit.ts';
import { rotateAuditKey } from '../src/adapters/postgres/audit/rotate-audit-key.ts';
import { canonicalJson } from '../src/domain/audit/audit-chain.ts';
import { aRecord, auditLog, sealed, tell } from './support/audit-log.ts';
import { entryAt, type Line, newLog, rehash, set } from './support/verified-log.ts';
import { admin, masterKey, newWorld, principal, withCode } from './support/world.ts';

type Log = Awaited<ReturnType<typeof newLog>>;

/** Rotates as if the rotation before had been a while ago. */
async function rotate({ database, signer, vault }: Log) {
  await database.execute("UPDATE audit_signing_keys SET created_at = created_at - interval '1 minute'");
  return database.transaction((sql) => rotateAuditKey(sql, { signer, vault }));
}

const idOf = (key: KeyObject) =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 32);

/** A key that a forger made. */
function forgedKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const signature = (head: object) => sign(null, Buffer.from(canonicalJson(head)), privateKey).toString('base64');
  return { id: idOf(publicKey), pem: String(publicKey.export({ type: 'spki', format: 'pem' })), signature };
}

test('who kept the first public key verifies across rotations, whole and in parts, and after old entries went', async (t) => {
  const log = await newLog(t);
  await log.write(4, new Date(Date.now() - 40 * 86_400_000));
  const { key: second } = await rotate(log);
  await log.write(3);
  const { key: third } = await rotate(log);
  await log.write(3);
  const good = await log.export();
  const answer = await log.verify(good);
  assert.match(answer, new RegExp(`^0 OK: 10 entries, 1 to 10; head 10 signed at .* by ${third.id}\n`));
  assert.match(answer, new RegExp(`vouches for ${second.id}, which replaced it at entry 4\n`));
  assert.match(answer, new RegExp(`vouches for ${third.id}, which replaced it at entry 7\n`));
  for (const [after, to] of [[7], [8], [4], [2, 4], [5, 9], [0, 2 ** 31]] as const) {
    assert.match(await log.verify(await log.export(after, to)), /^0 OK: /, `${after} ${to}`);
  }
  // Heads that were kept elsewhere: of the newest key, and the rotation itself.
  const { heads } = await pageOfHeads(log.database, { size: 100, token: '' });
  for (const kind of ['head', 'rotation']) {
    const kept = join(log.folder, `${kind}.json`);
    const { head, signature } = heads.find(({ head: one }) => one.kind === kind) ?? assert.fail();
    await writeFile(kept, JSON.stringify({ ...head, signature }));
    assert.match(await log.verify(good, '--head', kept), /^0 OK: 10 entries/);
  }
  assert.equal(await dropOldEntries(log.database, log.signer, 30), false);
  assert.match(await log.verify(await log.export()), /^0 OK: 6 entries, 5 to 10; head 10 /);
  // Who kept the newest key alone checks what it signed.
  await writeFile(join(log.folder, 'public.pem'), third.publicKey);
  assert.match(await log.verify(await log.export(8)), /^0 OK: 2 entries, 9 to 10; head 10 /);
  assert.match(await log.verify(good), /^1 NOT OK: .* was not given and which no given one vouches for/);
});

test('an export during which the key is replaced verifies too', async (t) => {
  const log = await newLog(t);
  await log.write(4);
  const first = await exportPart(log.database, { afterSeq: 0, toSeq: 0, first: true });
  await rotate(log);
  await log.write(4);
  const rest = await exportPart(log.database, { afterSeq: first.lastSeq, toSeq: 0, first: false });
  const lines = [...first.lines.slice(0, -1), ...rest.lines]; // as if the first part had said that there is more
  assert.match(await log.verify(lines), /^0 OK: 8 entries, 1 to 8; head 7 /);
});

test('a key is replaced when somebody asks, also when the database’s clock went back since the last time', async (t) => {
  const log = await newLog(t);
  await log.write(2);
  const { key: first } = await rotate(log);
  const ask = () => log.database.transaction((sql) => rotateAuditKey(sql, log));
  assert.equal((await ask()).key.id, first.id, 'two requests at once are one');
  await log.database.execute("UPDATE audit_signing_keys SET created_at = created_at + interval '1 hour' WHERE active");
  assert.notEqual((await ask()).key.id, first.id);
  await log.write(1);
  assert.match(await log.verify(await log.export()), /^0 OK: 3 entries/);
});

test('a log that a key signed for which no older key vouched is found out', async (t) => {
  const log = await newLog(t);
  await log.write(3);
  await rotate(log);
  await log.write(4);
  const good = await log.export();
  const [firstKey] = await auditKeys(log.database);
  const forger = forgedKey();
  const rotationOf = (lines: Line[]) => lines.filter(({ head }) => head?.kind === 'rotation');
  const forged = (change: (lines: Line[]) => unknown) => {
    const lines = structuredClone(good);
    change(lines);
    return log.verify(lines);
  };
  /** Signs all heads after the rotation with the forger's key. */
  const sign = (lines: Line[]) => {
    for (const line of lines) {
      if (line.head?.seq <= 3 || !line.head) continue;
      line.head.key_id = forger.id;
      line.signature = forger.signature(line.head);
    }
  };
  assert.match(await log.verify(good), /^0 OK: 7 entries/);
  // Without a word of who vouches for it, and with what the first key never signed.
  assert.match(await forged(sign), new RegExp(`^1 NOT OK: .* key ${forger.id}, which was not given and`));
  const claim = (lines: Line[]) => {
    for (const { head } of rotationOf(lines)) set(head, { new_key_id: forger.id, new_public_key: forger.pem });
    sign(lines);
  };
  assert.match(await forged(claim), /^1 NOT OK: the signature of the head about entry 3 is not right/);
  // The true id over another public key; and a rotation that the forger signed himself.
  assert.match(
    await forged((lines) => {
      for (const { head } of rotationOf(lines)) set(head, { new_public_key: forger.pem });
    }),
    /^1 NOT OK: the signature of the head about entry 3/,
  );
  const own = (lines: Line[]) => {
    claim(lines);
    for (const line of rotationOf(lines)) {
      set(line.head, { key_id: forger.id });
      line.signature = forger.signature(line.head);
    }
  };
  assert.match(await forged(own), /^1 NOT OK: .* which was not given and/);
  // Entries before the rotation were rewritten: the first key's last word was the rotation.
  const rewrite = (lines: Line[]) => {
    for (let seq = 2; seq <= 7; seq++) {
      const line = lines[entryAt(lines, seq)];
      if (seq === 2) line.entry.result = 'x';
      else line.entry.previous_hash = lines[entryAt(lines, seq - 1)].hash;
      rehash(line);
    }
    return lines;
  };
  const withoutHeads = rewrite(structuredClone(good)).filter(({ head }) => !head || head.kind === 'rotation');
  assert.match(await log.verify(withoutHeads), /^1 NOT OK: the head signed at .* speaks of another entry 3/);
  assert.match(
    await log.verify(withoutHeads.filter(({ kind }) => kind !== 'head')),
    /^1 NOT OK: .*no signed head vouches/,
  );
  // Cut off before the rotation, of which the export still speaks.
  const cut = good
    .filter(({ entry, head }) => !(entry?.seq > 2) && !(head?.kind === 'head' && head.seq > 2))
    .map((line) => (line.kind === 'end' ? { ...line, last_seq: 2 } : line));
  assert.match(await log.verify(cut), /^1 NOT OK: a head signed at .* speaks of entry 3, but the log ends at 2/);
  assert.equal(rotationOf(good)[0]?.head.key_id, firstKey?.id);
});

test('a key that was replaced signs nothing any more, and its secret part is gone', async (t) => {
  const log = await newLog(t);
  await log.write(1);
  const old = await log.signer.active(log.database); // kept by somebody who should not have it
  await rotate(log);
  await log.write(3);
  const keys = await log.database.query(
    'SELECT active, sealed_private_key IS NULL AS forgotten FROM audit_signing_keys ORDER BY created_at',
  );
  assert.deepEqual(keys, [
    { active: false, forgotten: true },
    { active: true, forgotten: false },
  ]);
  const lines = structuredClone(await log.export());
  const last = lines.findLast(({ head }: Line) => head?.kind === 'head');
  set(last.head, { key_id: old.keyId });
  last.signature = old.sign(canonicalJson(last.head)).toString('base64');
  assert.match(await log.verify(lines), /^1 NOT OK: the head about entry 4 .* was replaced at entry 1/);
  // Not a second time either: the database keeps a key from vouching for two.
  const again = log.database.execute(
    `INSERT INTO audit_heads (kind, seq, hash, at, key_id, signature, new_key_id)
     SELECT kind, seq, hash, at, key_id, signature, key_id FROM audit_heads WHERE kind = 'rotation'`,
  );
  await assert.rejects(again, /audit_heads_rotation_of/);
});

const rotation = (bus: Bus, asker = admin) =>
  request(bus, AuditService.method.rotateAuditKey, { context: { principal: asker } }, { timeoutMs: 10_000 });

test('many who ask at once for a new key on two replicas, while entries are sealed, get the same one', async (t) => {
  const world = await newWorld(t);
  await Promise.all([world.replica(), world.replica()]);
  const database = await world.database();
  const before = await auditKeys(database);
  const [answers] = await Promise.all([
    Promise.all(Array.from({ length: 12 }, () => rotation(world.bus))),
    Promise.all(Array.from({ length: 200 }, () => tell(world.bus, aRecord()))),
  ]);
  assert.equal(new Set(answers.map(({ key }) => key?.id)).size, 1);
  assert.equal((await auditKeys(database)).length, before.length + 1);
  await sealed(database, 202);
  const log = auditLog(world.bus);
  const { entries } = await log.list({ actionPrefix: 'audit_key.' });
  assert.deepEqual(
    entries.map(({ action, resourceId, actorId }) => [action, resourceId, actorId]),
    [['audit_key.rotated', answers[0]?.key?.id, admin.id]],
  );
  assert.equal(JSON.parse(entries[0]?.detailsJson ?? '').previous_key_id, before[0]?.id);
  const { keys } = await log.heads();
  assert.deepEqual(
    keys.map(({ signing }) => signing),
    [false, true],
  );
  assert.ok(!world.logged().includes('PRIVATE KEY'));
  await assert.rejects(rotation(world.bus, principal('operator')), withCode('PERMISSION_DENIED'));
});

test('a key that is old enough is replaced at the start, once, by replicas that start together; heads go on with the new one', async (t) => {
  const world = await newWorld(t);
  const stop = await world.replica();
  const database = await world.database();
  await stop();
  await database.execute("UPDATE audit_signing_keys SET created_at = now() - interval '30 days'");
  await world.replica({ auditKeyDays: 0 }); // only when somebody asks
  assert.equal((await auditKeys(database)).length, 1);
  const running = await openAuditSigner(database, new Vault([masterKey]));
  await Promise.all([world.replica(), world.replica(), world.replica()]);
  const keys = await eventually(async () => {
    const all = await auditKeys(database);
    return all.length > 1 && all;
  });
  assert.equal(keys.length, 2);
  // Whoever runs already signs with the new one from now on.
  assert.equal((await running.active(database)).keyId, keys[1]?.id);
  const { entries } = await auditLog(world.bus).list({ actionPrefix: 'audit_key.rotated' });
  assert.deepEqual(
    entries.map(({ actorKind, resourceId }) => [actorKind, resourceId]),
    [['service', keys[1]?.id]],
  );
});
