import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import {
  type ChangeForwardsRequest,
  type ChangeForwardsRequestSchema,
  type CommandContext,
  type CommandContextSchema,
  type Operation,
  OperationState,
  type PortAction,
  type Principal,
  type PrincipalSchema,
  type ProvisionVmRequest,
  type ProvisionVmRequestSchema,
  type UpdateVmRequest,
  type UpdateVmRequestSchema,
  VmService,
} from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, connectBus, request } from '@berth/messaging';
import { createLogger, type Logger } from '@berth/service-kit';
import { eventually, freshDatabase, freshPrefix, testNats } from '@berth/testing';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Registry } from 'prom-client';
import type { AllocatorConfig } from '../../src/config.ts';
import { openAllocatorDatabase, startAllocator } from '../../src/start-allocator.ts';
import { allocatorSchema } from './allocator-schema.ts';
import { DriverSide } from './driver-side.ts';
import { groupFact, type PlayedFacts, playFacts } from './played-facts.ts';
import { usualConfig } from './usual-config.ts';

type ProvisionInit = Exclude<MessageInitShape<typeof ProvisionVmRequestSchema>, ProvisionVmRequest>;
type ChangeForwardsInit = Exclude<MessageInitShape<typeof ChangeForwardsRequestSchema>, ChangeForwardsRequest>;
type UpdateInit = Omit<
  Exclude<MessageInitShape<typeof UpdateVmRequestSchema>, UpdateVmRequest>,
  'context' | 'machineId'
>;
type ContextInit = Exclude<MessageInitShape<typeof CommandContextSchema>, CommandContext>;

/** A running allocator of a test. */
export interface Replica {
  readonly metrics: Registry;
  readonly addresses: Record<string, string>;
  stop(): Promise<void>;
}

export const silentLog = (): Logger => createLogger('test', process.env['BERTH_TEST_LOG'] ?? 'fatal');

export type PrincipalInit = Exclude<MessageInitShape<typeof PrincipalSchema>, Principal>;

export const aPrincipal = (overrides: PrincipalInit = {}): MessageInitShape<typeof PrincipalSchema> => ({
  id: 'key-1',
  kind: 'api_key',
  name: 'tests',
  permissions: ['vms:read', 'vms:write', 'operations:read'],
  group: '',
  ...overrides,
});

/** One database, one prefix on the bus, any number of allocators, and the test in the driver's place. */
export class World {
  readonly config: AllocatorConfig;
  readonly bus: Bus;
  readonly database: Database;
  readonly driver: DriverSide;
  /** Auth, as far as it tells of groups; undefined: it is away. */
  readonly facts: PlayedFacts | undefined;
  readonly #t: TestContext;

  constructor(t: TestContext, parts: Pick<World, 'config' | 'bus' | 'database' | 'driver' | 'facts'>) {
    this.#t = t;
    this.config = parts.config;
    this.bus = parts.bus;
    this.database = parts.database;
    this.driver = parts.driver;
    this.facts = parts.facts;
  }

  async startReplica(): Promise<Replica> {
    const stops: (() => Promise<unknown> | unknown)[] = [];
    const addresses: Record<string, string> = {};
    const metrics = new Registry();
    let stopped: Promise<void> | undefined;
    const stop = () => {
      stopped ??= (async () => {
        for (const one of stops.reverse()) await one();
      })();
      return stopped;
    };
    this.#t.after(stop);
    await startAllocator(this.config, {
      log: silentLog(),
      metrics,
      onStop: (one) => void stops.push(one),
      readyWhen: () => {},
      announce: (more) => void Object.assign(addresses, more),
      fail: (error) => {
        throw error;
      },
    });
    return { metrics, addresses, stop };
  }

  context(overrides: ContextInit = {}): ContextInit {
    return {
      operationId: randomUUID(),
      deadline: timestampFromMs(Date.now() + 20_000),
      principal: aPrincipal(),
      requestId: 'req-1',
      ...overrides,
    };
  }

  /** Asks for a VM; gives back the operation as it was accepted. */
  async provision(init: Partial<ProvisionInit> & { vmName: string }, context: ContextInit = {}): Promise<Operation> {
    const message = { vmId: randomUUID(), ...init, context: this.context(context) };
    const reply = await request(this.bus, VmService.method.provisionVm, message, { timeoutMs: 20_000 });
    return operationOf(reply);
  }

  async changePorts(
    machineId: string,
    action: PortAction,
    portNames: string[] = [],
    context: ContextInit = {},
  ): Promise<Operation> {
    const message = { context: this.context(context), machineId, action, portNames };
    return operationOf(await request(this.bus, VmService.method.changePorts, message, { timeoutMs: 20_000 }));
  }

  async changeForwards(
    machineId: string,
    lists: Pick<ChangeForwardsInit, 'create' | 'update' | 'delete'>,
    context: ContextInit = {},
  ): Promise<Operation> {
    const message = { context: this.context(context), machineId, ...lists };
    return operationOf(await request(this.bus, VmService.method.changeForwards, message, { timeoutMs: 20_000 }));
  }

  async updateVm(machineId: string, update: UpdateInit, context: ContextInit = {}): Promise<Operation> {
    const message = { ...update, context: this.context(context), machineId };
    return operationOf(await request(this.bus, VmService.method.updateVm, message, { timeoutMs: 20_000 }));
  }

  /** The operation's end, once the router has taken its VM's newest change, which is at least of this revision. */
  async applied(operation: Operation, revision: bigint): Promise<Operation> {
    const change = await this.driver.change(operation.vmId, revision);
    await this.driver.settle(operation.vmId, { applied: true, revision: change.revision?.number ?? 0n });
    return this.ended(operation);
  }

  async decommission(machineId: string, context: ContextInit = {}): Promise<Operation> {
    const message = { context: this.context(context), machineId };
    return operationOf(await request(this.bus, VmService.method.decommissionVm, message, { timeoutMs: 20_000 }));
  }

  async vm(machineId: string, principal = aPrincipal()) {
    const reply = await request(this.bus, VmService.method.getVm, { principal, machineId }, { timeoutMs: 20_000 });
    if (!reply.vm) throw new Error('no VM in the reply');
    return reply.vm;
  }

  async operation(operationId: string, principal = aPrincipal()): Promise<Operation> {
    const message = { principal, operationId };
    return operationOf(await request(this.bus, VmService.method.getOperation, message, { timeoutMs: 20_000 }));
  }

  async cancel({ id }: { id: string }, principal = aPrincipal()): Promise<Operation> {
    const message = { principal, operationId: id };
    return operationOf(await request(this.bus, VmService.method.cancelOperation, message, { timeoutMs: 10_000 }));
  }

  /** The names of all VMs, page by page. */
  async list(pageSize: number, principal = aPrincipal(), pageToken = ''): Promise<string[][]> {
    const message = { principal, pageSize, pageToken };
    const { vms, nextPageToken } = await request(this.bus, VmService.method.listVms, message, { timeoutMs: 20_000 });
    const names = vms.map(({ name }) => name);
    return nextPageToken === '' ? [names] : [names, ...(await this.list(pageSize, principal, nextPageToken))];
  }

  /** The operation once it has ended. */
  ended({ id }: { id: string }): Promise<Operation> {
    return eventually(
      async () => {
        const operation = await this.operation(id);
        const open = [OperationState.PENDING, OperationState.RUNNING];
        return open.includes(operation.state) ? undefined : operation;
      },
      { what: `the end of operation ${id}` },
    );
  }

  /** Provisions, and the router takes it. */
  async provisioned(init: Partial<ProvisionInit> & { vmName: string }): Promise<Operation> {
    const operation = await this.provision(init);
    await this.driver.settle(operation.vmId, { applied: true });
    return this.ended(operation);
  }

  /** Waits until the allocator has taken the newest report and inventory. */
  async routerReady(): Promise<void> {
    await eventually(
      async () => {
        const rows = await this.query<{ inventory_loaded: string }>(
          "SELECT inventory_loaded FROM routers WHERE name = 'default'",
        );
        return BigInt(rows[0]?.inventory_loaded ?? 0) === this.driver.inventory;
      },
      { what: 'the newest inventory' },
    );
  }

  /** Locks all routers, so that what comes now is taken together once they are let go. */
  async holdRouters(): Promise<() => Promise<void>> {
    const held = Promise.withResolvers<void>();
    const letGo = Promise.withResolvers<void>();
    const holding = this.database.transaction(async (sql) => {
      await sql.query('SELECT FROM routers FOR UPDATE');
      held.resolve();
      await letGo.promise;
    });
    await held.promise;
    return () => {
      letGo.resolve();
      return holding;
    };
  }

  /** Waits until a transaction of an allocator waits for a lock that the test holds. */
  async someoneWaits(): Promise<void> {
    const waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    await eventually(async () => (await this.query(waiting)).length > 0, { what: 'someone who waits for a lock' });
  }

  query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.database.query<Row>(text, values);
  }
}

const operationOf = ({ operation }: { operation?: Operation | undefined }): Operation => {
  if (!operation) throw new Error('no operation in the reply');
  return operation;
};

export interface WorldOptions {
  readonly replicas?: number;
  readonly config?: Partial<AllocatorConfig>;
  /** false: the driver has told nothing yet. */
  readonly routerKnown?: boolean;
  /** Nobody tells which groups there are. */
  readonly authAway?: boolean;
  readonly foreign?: DriverSide['holdings'];
  /** A server of the test's own. */
  readonly databaseUrl?: string;
}

/** The groups that there are in a test's world. */
const groupNames = ['a', 'b', 'blue', 'red', 'team', 'team-a', 'team-b', 'team-c', 'others', 'x'];

/** Makes a world in which, unless told otherwise, one allocator runs and the router `default` answers. */
export async function makeWorld(t: TestContext, options: WorldOptions = {}): Promise<World> {
  const databaseUrl = options.databaseUrl ?? (await freshDatabase(t, allocatorSchema)).url;
  const { url: natsUrl } = await testNats();
  const subjectPrefix = freshPrefix(t);
  const log = silentLog();
  const bus = await connectBus({ url: natsUrl, prefix: subjectPrefix, name: 'test', log });
  const database = await openAllocatorDatabase(databaseUrl);
  t.after(async () => {
    await bus.drain();
    await database.close();
  });
  await database.migrate();
  const driver = await DriverSide.start(bus);
  driver.holdings = options.foreign ?? [];
  const config = { ...usualConfig({ databaseUrl, natsUrl, subjectPrefix }), ...options.config };
  const facts = options.authAway ? undefined : await playFacts(bus, ...groupNames.map(groupFact));
  const world = new World(t, { config, bus, database, driver, facts });
  for (let count = 0; count < (options.replicas ?? 1); count++) await world.startReplica();
  if (options.routerKnown ?? true) {
    await driver.report({});
    await world.routerReady();
  }
  return world;
}
