import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { PortAction, VmService } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { formatIpv4 } from '../../src/domain/ipv4.ts';
import type { World } from '../support/world.ts';
import { HistoryRouter, type Judge } from './history-router.ts';

/** How long what was released rests in these runs: the least that the setting allows. */
export const restMs = 1_000;

/** Values are given out from the lowest on, so that those that rested come round again at once. */
export const historyPools = {
  addressRange: { first: 0x0a_00_00_32, last: 0x0a_00_00_32 + 399 },
  portRange: { first: 32_000, last: 32_899 },
  ruleRange: { first: 10_000, last: 10_999 },
};

const vmNames = 200;
const macs = 40;
const actions = [PortAction.CREATE, PortAction.DELETE, PortAction.PAUSE, PortAction.ENABLE, PortAction.DISABLE];

const pick = (count: number): number => Math.floor(Math.random() * count);
const chance = (share: number): boolean => Math.random() < share;
const oneOf = <T>(items: readonly T[]): T | undefined => items[pick(items.length)];

/** What may become of a request in a crowd whose servers are killed: taken, used up, gone, or not heard of in time. */
const expected: ReadonlySet<string> = new Set([
  ...['VM_NAME_TAKEN', 'MAC_TAKEN', 'HOSTNAME_TAKEN', 'EXTERNAL_PORT_TAKEN', 'ADDRESS_TAKEN', 'ADDRESS_POOL_EXHAUSTED'],
  ...[
    'PORT_POOL_EXHAUSTED',
    'RULE_POOL_EXHAUSTED',
    'VM_NOT_FOUND',
    'PORT_NOT_FOUND',
    'NO_ANSWER',
    'SERVICE_UNAVAILABLE',
    'DEADLINE_PASSED', // refused as too late, which a busy machine makes of any command
  ],
]);

/** A client of an allocator that was killed hears nothing: it does not wait for long, and the command is not accepted any more. */
const patienceMs = 1_500;

/** One of the clients: asks at random until the end, now and then twice for the same. */
export class Client {
  asked = 0;
  readonly #name: string;
  readonly #world: World;
  readonly #router: HistoryRouter;

  constructor(name: string, world: World, router: HistoryRouter) {
    this.#name = name;
    this.#world = world;
    this.#router = router;
  }

  async askUntil(over: AbortSignal): Promise<void> {
    while (!over.aborted) await this.askOnce();
  }

  async askOnce(): Promise<void> {
    const operationId = randomUUID();
    const which = Math.random();
    const ask = which < 0.55 ? this.#provision(operationId) : which < 0.7 ? this.#changePorts() : this.#decommission();
    const attempts = chance(0.1) ? [ask(operationId), ask(operationId)] : [ask(operationId)];
    this.asked++;
    for (const result of await Promise.allSettled(attempts)) {
      if (result.status === 'fulfilled') continue;
      const { reason } = result;
      if (!(reason instanceof DomainError) || !expected.has(reason.code)) throw reason;
    }
  }

  #provision(operationId: string): (operationId: string) => Promise<unknown> {
    const [vmId, vmName] = [randomUUID(), `vm-${pick(vmNames)}`];
    this.#router.expect(vmId, { client: this.#name, operationId, vmName, askedAt: performance.now() });
    const { addressRange, portRange } = historyPools;
    const start = portRange.first + pick(850);
    const from = addressRange.first + pick(350);
    const wishes = {
      vmId,
      vmName,
      ...(chance(0.2) ? { macAddress: `52:54:00:00:01:${(16 + pick(macs)).toString(16)}` } : {}),
      ...(chance(0.2) ? { addressRange: { first: formatIpv4(from), last: formatIpv4(from + pick(50)) } } : {}),
      ...(chance(0.2) ? { portRange: { start, end: start + 3 + pick(40) } } : {}),
      ...(chance(0.2)
        ? {
            forwards: [
              { name: 'ssh', externalPort: start },
              { name: 'dns', internalPort: 53, protocol: 3 },
            ],
          }
        : {}),
    };
    return (id) =>
      request(this.#world.bus, VmService.method.provisionVm, { ...wishes, context: this.#context(id) }, this.#patience);
  }

  #changePorts(): (operationId: string) => Promise<unknown> {
    const machine = oneOf(this.#router.living) ?? 'vm-0';
    const action = oneOf(actions) ?? PortAction.CREATE;
    const names = ['ssh', 'http', 'https'].filter(() => chance(0.5));
    const change = { machineId: machine, action, portNames: names };
    return (id) =>
      request(this.#world.bus, VmService.method.changePorts, { ...change, context: this.#context(id) }, this.#patience);
  }

  #decommission(): (operationId: string) => Promise<unknown> {
    const machineId = oneOf(this.#router.living) ?? 'vm-0';
    return (id) =>
      request(
        this.#world.bus,
        VmService.method.decommissionVm,
        { machineId, context: this.#context(id) },
        this.#patience,
      );
  }

  readonly #patience = { timeoutMs: patienceMs };

  #context = (operationId: string) =>
    this.#world.context({ operationId, deadline: timestampFromMs(Date.now() + patienceMs) });
}

/** An allocator as a process of its own, ready; killed after the test. */
async function allocatorProcess(t: TestContext, { config }: World): Promise<ChildProcess> {
  const { addressRange, portRange, ruleRange } = historyPools;
  const child = spawn(process.execPath, ['services/allocator/src/main.ts'], {
    cwd: new URL('../../../..', import.meta.url),
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      ...process.env,
      BERTH_LOG_LEVEL: 'fatal',
      DATABASE_URL: config.databaseUrl,
      NATS_URL: config.natsUrl,
      BERTH_SUBJECT_PREFIX: config.subjectPrefix,
      GRPC_PORT: '0',
      BERTH_ADDRESS_RANGE: `${formatIpv4(addressRange.first)}-${formatIpv4(addressRange.last)}`,
      BERTH_PORT_RANGE: `${portRange.first}-${portRange.last}`,
      BERTH_RULE_RANGE: `${ruleRange.first}-${ruleRange.last}`,
      BERTH_QUARANTINE_SECONDS: String(restMs / 1_000),
      BERTH_RESEND_SECONDS: '1',
    },
  });
  t.after(() => void child.kill('SIGKILL'));
  await Promise.race([once(child, 'message'), once(child, 'exit').then(() => Promise.reject(new Error('it ended')))]);
  return child;
}

export interface RunOptions {
  readonly clients: number;
  readonly replicas: number;
  readonly forMs: number;
  /** It goes on until so much was given up and a replica was killed, however slow the machine is. */
  readonly leastReleases: number;
  /** One replica is killed, or stopped, and another one started, this often. */
  readonly killEveryMs: number;
  readonly judge: Judge;
}

/** Lets clients ask while allocators come and go; then waits until everything that was accepted has ended. */
export async function runHistory(t: TestContext, world: World, options: RunOptions) {
  await world.driver.report({});
  const start = () => allocatorProcess(t, world);
  const replicas = await Promise.all(Array.from({ length: options.replicas }, start));
  const router = new HistoryRouter(world, options.judge);
  const clients = Array.from({ length: options.clients }, (_, index) => new Client(`client-${index}`, world, router));
  let kills = 0;
  const ending = new AbortController();
  const over = ending.signal;
  const begun = performance.now();
  const watch = setInterval(() => {
    const enough = kills > 0 && router.releases >= options.leastReleases;
    if (enough && performance.now() - begun >= options.forMs) ending.abort();
  }, 50);
  const killing = (async () => {
    while (!over.aborted) {
      await passed(options.killEveryMs, over);
      if (over.aborted) return;
      replicas.shift()?.kill(kills++ % 3 === 2 ? 'SIGTERM' : 'SIGKILL');
      replicas.push(await start());
    }
  })();
  try {
    await allDone([killing, ...clients.map((client) => client.askUntil(over))]);
    await untilNothingMoves(world);
  } finally {
    clearInterval(watch);
    ending.abort();
    await router.stop();
  }
  return { events: router.events, asked: clients.reduce((sum, { asked }) => sum + asked, 0), kills };
}

/** Waits for all of them, so that none goes on after a failure; then fails with the first. */
export async function allDone(work: readonly Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(work)) if (result.status === 'rejected') throw result.reason;
}

/** Every operation has ended, and what was released has rested. */
export async function untilNothingMoves(world: World): Promise<void> {
  const [running, resting] = [
    "SELECT FROM operations WHERE state IN ('pending', 'running')",
    "SELECT FROM allocations WHERE kind = 'quarantine'",
  ];
  await eventually(async () => (await world.query(running)).length === 0, {
    timeoutMs: 90_000, // what a killed replica had taken from a stream comes again after half a minute
    what: 'the end of every operation',
  });
  await eventually(async () => (await world.query(resting)).length === 0, {
    timeoutMs: 30_000,
    what: 'the end of every quarantine',
  });
}

function passed(ms: number, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    over.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
