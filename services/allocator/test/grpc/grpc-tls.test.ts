import assert from 'node:assert/strict';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, type PeerCertificate } from 'node:tls';
import { PoolService } from '@berth/contracts';
import { ConfigError } from '@berth/service-kit';
import { eventually } from '@berth/testing';
import { credentials } from '@grpc/grpc-js';
import { type GenerateResult, generate } from 'selfsigned';
import { startGrpcSide } from '../support/grpc-side.ts';

const { getPool } = PoolService.method;
const host = '127.0.0.1';

/** A certificate with its key, self-signed or signed by `ca`. */
function certificate(name: string, ca?: GenerateResult): Promise<GenerateResult> {
  const extensions = ca
    ? [{ name: 'subjectAltName' as const, altNames: [{ type: 7 as const, ip: host }] }]
    : [{ name: 'basicConstraints' as const, cA: true, critical: true }];
  const signedBy = ca && { ca: { key: ca.private, cert: ca.cert } };
  return generate([{ name: 'commonName', value: name }], {
    algorithm: 'sha256',
    keyType: 'ec',
    extensions,
    ...signedBy,
  });
}

/** Files that hold what is written to them, whole at any moment. */
async function pemFiles(t: TestContext, server: GenerateResult, ca: GenerateResult) {
  const folder = await mkdtemp(join(tmpdir(), 'berth-grpc-'));
  t.after(() => rm(folder, { recursive: true }));
  const files = { certFile: join(folder, 'cert'), keyFile: join(folder, 'key'), clientCaFile: join(folder, 'ca') };
  const write = async (file: keyof typeof files, text: string) => {
    await writeFile(join(folder, 'new'), text);
    await rename(join(folder, 'new'), files[file]);
  };
  await write('certFile', server.cert);
  await write('keyFile', server.private);
  await write('clientCaFile', ca.cert);
  return { files, write };
}

const trusting = (ca: GenerateResult, own?: GenerateResult) =>
  own
    ? credentials.createSsl(Buffer.from(ca.cert), Buffer.from(own.private), Buffer.from(own.cert))
    : credentials.createSsl(Buffer.from(ca.cert));

/** Whom a server shows itself as. */
function shownBy(address: string, ca: GenerateResult): Promise<PeerCertificate> {
  const { promise, resolve, reject } = Promise.withResolvers<PeerCertificate>();
  const [, port] = address.split(':');
  const socket = connect({ host, port: Number(port), ca: ca.cert, ALPNProtocols: ['h2'] }, () => {
    resolve(socket.getPeerCertificate());
    socket.destroy();
  });
  socket.on('error', reject);
  return promise;
}

test('with TLS a client that trusts the authority gets in, and nobody in the clear', async (t) => {
  const ca = await certificate('authority');
  const { files } = await pemFiles(t, await certificate('server', ca), ca);
  const side = await startGrpcSide(t, {}, { tls: { ...files, clientCaFile: undefined } });
  await side.client(trusting(ca)).call(getPool, {});
  for (const secured of [undefined, trusting(await certificate('another authority'))]) {
    assert.equal((await side.client(secured).failure(getPool, {}, { deadlineMs: 5_000 })).code, 'UNAVAILABLE');
  }
  const { promise, resolve } = Promise.withResolvers<string>();
  const port = Number(side.server.address.split(':')[1]);
  const old = connect({
    host,
    port,
    ca: ca.cert,
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
    ciphers: 'ALL@SECLEVEL=0',
  });
  old.on('error', (error) => resolve(error.message));
  old.on('secureConnect', () => resolve('connected'));
  assert.match(await promise, /protocol version/i);
});

test('with a client authority, only clients with a certificate of it get in, and they need a key as well', async (t) => {
  const [ca, stranger] = await Promise.all([certificate('authority'), certificate('stranger')]);
  const [server, guest, forged] = await Promise.all([
    certificate('server', ca),
    certificate('guest', ca),
    certificate('guest', stranger),
  ]);
  const { files } = await pemFiles(t, server, ca);
  const side = await startGrpcSide(t, {}, { tls: files });
  const known = side.client(trusting(ca, guest));
  await known.call(getPool, {});
  assert.equal((await known.failure(getPool, {}, { apiKey: null })).code, 'UNAUTHENTICATED');
  for (const own of [undefined, forged]) {
    const failure = await side.client(trusting(ca, own)).failure(getPool, {}, { deadlineMs: 5_000 });
    assert.equal(failure.code, 'UNAVAILABLE');
  }
});

test('new files are taken without a restart; while they do not fit together the old ones stay', async (t) => {
  const ca = await certificate('authority');
  const [first, second] = await Promise.all([certificate('first', ca), certificate('second', ca)]);
  const { files, write } = await pemFiles(t, first, ca);
  const tls = { ...files, clientCaFile: undefined };
  const side = await startGrpcSide(t, {}, { tls, readTlsFilesEveryMs: 20 });
  const { address } = side.server;
  assert.equal((await shownBy(address, ca)).subject.CN, 'first');
  await write('certFile', second.cert); // its key is still on the way
  await eventually(() => side.logged.some(({ what }) => what === 'reading the TLS files'));
  assert.equal((await shownBy(address, ca)).subject.CN, 'first');
  await write('keyFile', second.private);
  await eventually(async () => (await shownBy(address, ca)).subject.CN === 'second');
  await side.client(trusting(ca)).call(getPool, {});
  assert.doesNotMatch(JSON.stringify(side.logged), /PRIVATE KEY/);
});

test('files that cannot be used stop the start', async (t) => {
  const ca = await certificate('authority');
  const { files, write } = await pemFiles(t, await certificate('server', ca), ca);
  await write('keyFile', ca.private);
  await assert.rejects(startGrpcSide(t, {}, { tls: files }), ConfigError);
  await rm(files.keyFile);
  await assert.rejects(startGrpcSide(t, {}, { tls: files }), /GRPC_TLS_.*ENOENT/);
});
