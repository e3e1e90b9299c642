import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  OperationEndedSchema,
  type OperationReply,
  type ProvisionVmRequest,
  type ProvisionVmRequestSchema,
  subjects,
  VmService,
} from '@berth/contracts';
import { type Database, openDatabase } from '@berth/database';
import { type Bus, connectBus, listen, request } from '@berth/messaging';
import { createLogger } from '@berth/service-kit';
import { ownNats, ownPostgres, type TestScope } from '@berth/testing';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type PlayedRouter, playDriver } from './played-driver.ts';

export const principal = {
  ...{ id: 'bench', kind: 'api_key', name: 'bench', group: '' },
  permissions: ['vms:read', 'vms:write', 'operations:read'],
};

type ProvisionInit = Exclude<MessageInitShape<typeof ProvisionVmRequestSchema>, ProvisionVmRequest>;

/** An allocator by itself: a Postgres that flushes, NATS, and the driver's side played by this process. */
export interface AllocatorAlone {
  readonly bus: Bus;
  /** The allocator's own tables. */
  readonly database: Database;
  readonly pid: number;
  /** Resolves when it is accepted, which is durable. */
  provision(init: ProvisionInit): Promise<OperationReply>;
  /** Operations that have ended, by success. */
  readonly ended: { readonly succeeded: number; readonly failed: number };
  /** Resolves when this many have ended in all. */
  untilEnded(count: number): Promise<void>;
}

export interface AloneOptions {
  readonly routers: readonly PlayedRouter[];
  /** Whether the routers take what they are asked; otherwise they refuse it, so that its values are free again. */
  readonly applied: boolean | null;
  readonly env?: Readonly<Record<string, string>>;
}

export async function onAllocatorAlone(options: AloneOptions, work: (alone: AllocatorAlone) => Promise<void>) {
  const cleanUps: (() => void | Promise<void>)[] = [];
  const scope: TestScope = { after: (run) => void cleanUps.push(run) };
  try {
    await work(await startAlone(scope, options));
  } finally {
    for (let next = cleanUps.shift(); next !== undefined; next = cleanUps.shift()) await next();
  }
}

async function startAlone(scope: TestScope, options: AloneOptions): Promise<AllocatorAlone> {
  const postgres = await ownPostgres(scope, { durable: true });
  const nats = await ownNats(scope);
  const log = createLogger('bench', 'fatal');
  const bus = await connectBus({ url: nats.url, prefix: 'bench', name: 'bench', log });
  const [ended, waiting] = [{ succeeded: 0, failed: 0 }, new Set<() => void>()];
  listen(bus, subjects.anyOperationEnded, OperationEndedSchema, ({ operation }) => {
    ended[operation?.error === undefined ? 'succeeded' : 'failed'] += 1;
    for (const look of waiting) look();
  });
  await playDriver(bus, options.routers, options);
  const child = await allocatorProcess({ databaseUrl: postgres.url, natsUrl: nats.url }, options);
  const database = await openDatabase({
    ...{ url: postgres.url, schema: 'allocator', migrations: [], applicationName: 'bench' },
  });
  scope.after(async () => {
    child.kill('SIGTERM');
    if (child.exitCode === null) await once(child, 'exit');
    await Promise.all([bus.drain(), database.close()]);
  });
  return {
    ...{ bus, database, ended, pid: child.pid ?? 0 },
    provision: (init) =>
      request(
        bus,
        VmService.method.provisionVm,
        {
          vmId: randomUUID(),
          context: { operationId: randomUUID(), deadline: timestampFromMs(Date.now() + 20_000), principal },
          ...init,
        },
        { timeoutMs: 20_000 },
      ),
    untilEnded(count) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = () => {
        if (ended.succeeded + ended.failed < count) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
      return promise;
    },
  };
}

async function allocatorProcess(
  { databaseUrl, natsUrl }: { readonly databaseUrl: string; readonly natsUrl: string },
  { routers, env }: AloneOptions,
): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['services/allocator/src/main.ts'], {
    cwd: new URL('../../..', import.meta.url),
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: {
      BERTH_LOG_LEVEL: 'warn',
      DATABASE_URL: databaseUrl,
      NATS_URL: natsUrl,
      BERTH_SUBJECT_PREFIX: 'bench',
      GRPC_PORT: '0',
      VYOS_ROUTER_NAME: routers[0]?.name,
      BERTH_PORT_RANGE: '20000-60000',
      ...env,
    },
  });
  await Promise.race([
    once(child, 'message', { signal: AbortSignal.timeout(60_000) }),
    once(child, 'exit').then(([code]) => Promise.reject(new Error(`the allocator ended with ${code}`))),
  ]);
  return child;
}
