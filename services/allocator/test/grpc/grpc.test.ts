import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, ownPostgres } from '@berth/testing';
import { type Client, credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { service as healthService } from 'grpc-health-check';
import { makeWorld } from '../support/world.ts';

const asIs = (bytes: Buffer): Buffer => bytes;
const reflection = {
  info: {
    path: '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
    requestStream: true,
    responseStream: true,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  },
};

/** A request of one text field, as protobuf writes it. */
const textField = (number: number, text: string): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2, text.length]), Buffer.from(text)]);
const listServices = textField(7, '*');
const fileContainingSymbol = (symbol: string) => textField(4, symbol);

function reflect(client: Client, request: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const { info } = reflection;
    const call = client.makeBidiStreamRequest(info.path, info.requestSerialize, info.responseDeserialize);
    call.on('data', (answer: Buffer) => resolve(answer.toString('latin1')));
    call.on('error', reject);
    call.end(request);
  });
}

const statusOf = (client: Client): Promise<string> =>
  new Promise((resolve, reject) => {
    const check = healthService['Check'];
    if (!check) throw new Error('the health service has no Check');
    const { path, requestSerialize, responseDeserialize } = check;
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service: '' }, (error, answer) =>
      error ? reject(error) : resolve(String(Object(answer).status)),
    );
  });

test('the gRPC port answers health, by whether the database answers, and reflection', async (t) => {
  const postgres = await ownPostgres(t, { durable: true });
  const world = await makeWorld(t, { replicas: 0, routerKnown: false, databaseUrl: postgres.url });
  const { addresses } = await world.startReplica();
  const connect = makeGenericClientConstructor(healthService, 'Health');
  const client = new connect(addresses['grpc'] ?? '', credentials.createInsecure());
  t.after(() => client.close());
  assert.equal(await statusOf(client), 'SERVING');
  assert.match(await reflect(client, listServices), /grpc\.health\.v1\.Health/);
  assert.match(await reflect(client, fileContainingSymbol('berth.allocator.v1.Vm')), /berth\/allocator\/v1\/vm\.proto/);
  assert.match(await reflect(client, fileContainingSymbol('grpc.health.v1.Health')), /HealthCheckRequest/);
  await postgres.kill();
  await eventually(async () => (await statusOf(client)) === 'NOT_SERVING');
  await postgres.start();
  await eventually(async () => (await statusOf(client)) === 'SERVING');
});

test('the metrics tell of pools, commands and operations', async (t) => {
  const world = await makeWorld(t, { replicas: 0, routerKnown: false });
  const { metrics } = await world.startReplica();
  await world.driver.report({});
  await world.routerReady();
  await world.provisioned({ vmName: 'vm' });
  await assert.rejects(world.provision({ vmName: 'vm' }));
  await world.provision({ vmName: 'waits' });
  const page = await metrics.metrics();
  for (const line of [
    'berth_pool_free{router="default",space="tcp",external_ip="203.0.113.2",pool="default"} 995',
    'berth_pool_free{router="default",space="rule",external_ip="",pool="default"} 989994',
    'berth_commands_total{kind="provision-vm",answer="accepted"} 2',
    'berth_commands_total{kind="provision-vm",answer="VM_NAME_TAKEN"} 1',
    'berth_operations_ended_total{kind="provision-vm",outcome="succeeded"} 1',
    'berth_unsettled_revisions 1',
  ]) {
    assert.ok(page.includes(line), line);
  }
});
