import { type TestContext, test } from 'node:test';
import { streams } from '@berth/contracts';
import { connectBus, Outbox } from '@berth/messaging';
import { done, resumeSaga, runSaga, type Saga, type SagaWorld, sagaTests } from '@berth/saga';
import { freshDatabase, freshPrefix, testNats } from '@berth/testing';
import { bulkEndedMessage } from '../../src/adapters/nats/bulk/bulk-messages.ts';
import { changeMessage, endedMessage, withdrawalMessage } from '../../src/adapters/nats/outgoing-messages.ts';
import { changeForms } from '../../src/adapters/pools/pool-announcements.ts';
import { postgresLedger } from '../../src/adapters/postgres/ledger.ts';
import { operationsById } from '../../src/adapters/postgres/operations/operation-rows.ts';
import { postgresRouters } from '../../src/adapters/postgres/routers/router-store.ts';
import { changePorts } from '../../src/app/forwards/change-ports.ts';
import { progressIn } from '../../src/app/operation-progress.ts';
import type { Books } from '../../src/app/ports.ts';
import { decommissionVm } from '../../src/app/vms/decommission-vm.ts';
import { provisionVm } from '../../src/app/vms/provision-vm.ts';
import { updateVm } from '../../src/app/vms/update-vm.ts';
import { plainWish } from '../../src/domain/forwards/forward-wish.ts';
import { planNewForwards } from '../../src/domain/forwards/new-forwards.ts';
import type { Operation } from '../../src/domain/operations/operation.ts';
import { defaultPools } from '../../src/domain/pools/default-pools.ts';
import { openAllocatorDatabase } from '../../src/start-allocator.ts';
import { allocatorSchema } from '../support/allocator-schema.ts';
import { silentLog } from '../support/world.ts';

const vmId = '5b0a4a3e-0b7e-4a58-9d8f-0b6a0f0e1a11';
const site = { wanInterface: 'eth0', externalIp: '203.0.113.2', dhcpNetwork: 'LAN', dhcpSubnet: '10.0.0.0/24' };
const pools = {
  addressRange: undefined,
  portRange: { first: 32_000, last: 32_099 },
  ruleRange: { first: 10_000, last: 10_099 },
};

const template = [
  { name: 'ssh', protocol: 'tcp', internalPort: 22, sources: [], description: '' },
  { name: 'http', protocol: 'tcp', internalPort: 80, sources: [], description: '' },
  { name: 'https', protocol: 'tcp', internalPort: 443, sources: [], description: '' },
] as const;

const anOperation = (kind: Operation['kind'], id: string, more: Partial<Operation> = {}): Operation => ({
  id,
  kind,
  state: 'pending',
  router: 'default',
  vmId,
  vmName: 'vm',
  ownerGroup: '',
  principalId: 'key-1',
  principalName: 'tests',
  userId: '',
  requestId: '',
  traceparent: '',
  portAction: null,
  portNames: [],
  edit: null,
  update: null,
  addressRange: null,
  step: '',
  revision: 0,
  wanted: null,
  reserved: [],
  stood: false,
  sentAt: null,
  cancelAsked: false,
  alone: false,
  retries: 0,
  result: null,
  error: null,
  createdAt: new Date(0),
  updatedAt: new Date(0),
  ...more,
});

const provision = anOperation('provision-vm', '5b0a4a3e-0b7e-4a58-9d8f-0b6a0f0e1a01', {
  request: {
    vmName: 'vm',
    macAddress: '52:54:00:00:00:01',
    hostname: 'vm',
    router: 'default',
    pools: { ip: '', port: '', rule: '' },
    metadata: null,
    addressRange: undefined,
    portRange: undefined,
    forwards: planNewForwards([plainWish('ssh'), plainWish('http')], template),
  },
});

/** Postgres with one router, and with the VM on it when the saga needs one. */
const worldFor =
  (operation: Operation, withVm: boolean) =>
  async (t: TestContext): Promise<SagaWorld<Operation, Books>> => {
    const { url: databaseUrl } = await freshDatabase(t, allocatorSchema);
    const { url } = await testNats();
    const bus = await connectBus({ url, prefix: freshPrefix(t), name: 'test', log: silentLog() });
    const database = await openAllocatorDatabase(databaseUrl);
    t.after(async () => {
      await bus.drain();
      await database.close();
    });
    await database.migrate();
    const outbox = new Outbox({ database, bus, streams: [streams.routerChanges, streams.events, streams.audit] });
    await outbox.sweep(); // the streams are there
    const messages = {
      change: changeMessage,
      withdrawal: withdrawalMessage,
      ended: endedMessage,
      bulkEnded: bulkEndedMessage,
    };
    const ledger = postgresLedger({ database, outbox, messages }, { quarantineMs: 0, resendAfterSeconds: 30 });
    const routers = postgresRouters({ database, outbox, forms: changeForms });
    const report = { name: 'default', epoch: 1n, sequence: 1n, state: 'ok', retryAfterSeconds: 0, reason: '' } as const;
    await routers.report(
      [{ ...report, since: null, site, gateway: '', subnets: [], interfaces: [], version: '1.5', inventory: 1n }],
      () => defaultPools(pools, site),
    );
    await routers.replaceForeign('default', 1n, []);

    const world: SagaWorld<Operation, Books> = {
      instance: operation,
      transaction: (work) =>
        ledger.transaction(['default'], async (books) => {
          await books.vms.load([vmId]);
          const [stored] = (await books.operations.byIds([operation.id])).values();
          if (!stored) books.operations.put(operation);
          return work(books, progressIn(books));
        }),
      async stored() {
        const [stored] = await operationsById(database, [operation.id]);
        return stored ?? operation;
      },
      async snapshot() {
        // What is held and what the router was last asked for; values in quarantine are held by nobody.
        const queries = [
          "SELECT s.kind, a.held::text, a.slot FROM allocations a JOIN spaces s ON s.id = a.space_id WHERE a.kind = 'vm' ORDER BY 1, 2",
          'SELECT kind, value, vm_id FROM claims ORDER BY 1, 2',
          `SELECT name, mac_address, hostname, metadata, owner_group, state, forwards, unsettled FROM vms WHERE state NOT IN ('failed', 'removed')`,
        ];
        const [held, claims, vms] = await Promise.all(queries.map((text) => database.query(text)));
        return { held, claims, vms };
      },
    };
    if (withVm) await bringVm(ledger);
    return world;
  };

/** The VM that `provision` makes, confirmed by the router. */
async function bringVm(ledger: ReturnType<typeof postgresLedger>): Promise<void> {
  await ledger.transaction(['default'], async (books) => {
    const options = { deps: books, store: progressIn(books) };
    books.operations.put(provision);
    await runSaga(provisionVm, [provision], options);
    await resumeSaga(provisionVm, [{ instance: provision, step: 'change-router', outcome: done }], options);
  });
}

const tests = (saga: Saga<Operation, Books>, operation: Operation, withVm: boolean) =>
  sagaTests(test, saga, worldFor(operation, withVm));

tests(provisionVm, provision, false);
const create = { portAction: 'create', portNames: ['ssh', 'https'] } as const;
tests(changePorts, anOperation('change-ports', '5b0a4a3e-0b7e-4a58-9d8f-0b6a0f0e1a02', create), true);
const edit = {
  create: [{ ...plainWish('range'), internalPort: 8_000, internalPortEnd: 8_002 }],
  update: [
    { name: 'ssh', newName: 'shell', protocol: 'tcp_udp', externalPort: 0, sources: ['192.0.2.1', '192.0.2.2'] },
  ],
  delete: ['http'],
} as const;
tests(changePorts, anOperation('change-forwards', '5b0a4a3e-0b7e-4a58-9d8f-0b6a0f0e1a04', { edit }), true);
const update = { name: 'other', macAddress: '52:54:00:00:00:02', metadata: { a: 1 }, ownerGroup: 'blue' };
tests(updateVm, anOperation('update-vm', '5b0a4a3e-0b7e-4a58-9d8f-0b6a0f0e1a05', { update }), true);
tests(decommissionVm, anOperation('decommission-vm', '5b0a4a3e-0b7e-4a58-9d8f-0b6a0f0e1a03'), true);
