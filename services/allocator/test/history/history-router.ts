import { type RouterChange, RouterChangeSchema } from '@berth/contracts';
import { listen } from '@berth/messaging';
import { parseIpv4 } from '../../src/domain/ipv4.ts';
import type { World } from '../support/world.ts';
import { type HistoryEvent, numberIn, textIn, type Value } from './history-checker.ts';

/** Who asked for a VM, known before the asking. */
export interface Origin {
  readonly client: string;
  readonly operationId: string;
  readonly vmName: string;
  readonly askedAt: number;
}

export interface Judge {
  /** Share of changes that are taken. */
  readonly applied: number;
  /** Share of the others whose values were live for a moment. */
  readonly stood: number;
  /** A batch is judged this often. */
  readonly everyMs: number;
}

interface Line {
  readonly origin: Origin;
  revision: bigint;
  /** What the router holds, and what the revision asked for. */
  applied: ReadonlySet<Value>;
  wanted: ReadonlySet<Value>;
  verdict?: { readonly applied: boolean; readonly stood: boolean };
}

/** Free for everybody the moment they are given up. */
const isText = (value: Value): boolean => /^(?:name|mapping|mac) /.test(value);

/**
 * Plays the driver, and writes down what a router would see: each VM's values from when a change with them arrived, until the verdict that
 * gives them up is about to be told. A revision is judged once; when it comes again, so does its verdict.
 */
export class HistoryRouter {
  readonly events: HistoryEvent[] = [];
  readonly #world: World;
  readonly #judge: Judge;
  readonly #lines = new Map<string, Line>();
  readonly #origins = new Map<string, Origin>();
  readonly #waiting = new Set<string>();
  readonly #stopListening: () => void;
  readonly #timer: NodeJS.Timeout;
  #judging: Promise<unknown> = Promise.resolve();

  constructor(world: World, judge: Judge) {
    this.#world = world;
    this.#judge = judge;
    this.#stopListening = listen(world.bus, 'router-changes.>', RouterChangeSchema, (change) => this.#take(change));
    this.#timer = setInterval(() => this.#judgeAll(), judge.everyMs);
  }

  /** Must be told before the VM is asked for. */
  expect(vmId: string, origin: Origin): void {
    this.#origins.set(vmId, origin);
  }

  /** VMs that are on the router now. */
  get living(): string[] {
    return [...this.#lines].flatMap(([, { applied, origin }]) => (applied.size > 0 ? [origin.vmName] : []));
  }

  get releases(): number {
    return this.events.filter(({ kind }) => kind === 'released').length;
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#stopListening();
    await this.#judging;
  }

  #take(change: RouterChange): void {
    const { resourceId, revision } = change;
    const number = revision?.number ?? 0n;
    const origin = this.#origins.get(resourceId);
    if (origin === undefined) throw new Error(`nobody asked for ${resourceId}`);
    const line = this.#lines.get(resourceId);
    if (line !== undefined && number < line.revision) return;
    if (line === undefined || number > line.revision) {
      const wanted = valuesOf(change, origin);
      this.#lines.set(resourceId, { origin, revision: number, applied: line?.applied ?? new Set(), wanted });
      this.#record('granted', resourceId, origin, [...wanted], [], origin.askedAt);
    }
    this.#waiting.add(resourceId);
  }

  #judgeAll(): void {
    const ids = [...this.#waiting];
    this.#waiting.clear();
    for (const id of ids) {
      const line = this.#lines.get(id);
      if (line === undefined) continue;
      if (line.verdict === undefined) this.#decide(id, line);
      const told = this.#world.driver.settle(id, { ...(line.verdict ?? { applied: true }), revision: line.revision });
      this.#judging = Promise.all([this.#judging, told]);
    }
  }

  #decide(id: string, line: Line): void {
    const applied = Math.random() < this.#judge.applied;
    const stood = !applied && Math.random() < this.#judge.stood;
    line.verdict = { applied, stood };
    const [kept, given] = applied ? [line.wanted, line.applied] : [line.applied, line.wanted];
    const gone = [...given].filter((value) => !kept.has(value));
    const resting = applied || stood ? gone.filter((value) => !isText(value)) : [];
    if (gone.length > 0) this.#record('released', id, line.origin, gone, resting, performance.now());
    line.applied = kept;
  }

  #record(
    kind: HistoryEvent['kind'],
    vmId: string,
    { client, operationId, vmName }: Origin,
    values: readonly Value[],
    resting: readonly Value[],
    earliest: number,
  ): void {
    const latest = kind === 'granted' ? performance.now() : Number.POSITIVE_INFINITY;
    this.events.push({ kind, at: { earliest, latest }, client, operationId, vmId, holder: vmName, values, resting });
  }
}

function valuesOf({ desired }: RouterChange, { vmName }: Origin): ReadonlySet<Value> {
  if (desired?.mapping === undefined) return new Set();
  const { name, macAddress, ipAddress } = desired.mapping;
  const address = numberIn('address', parseIpv4(ipAddress) ?? -1);
  const texts = [textIn('name', vmName), textIn('mapping', name), textIn('mac', macAddress)];
  return new Set([address, ...texts, ...desired.rules.flatMap(valuesOfRule)]);
}

type Rule = NonNullable<RouterChange['desired']>['rules'][number];

function valuesOfRule({ number, protocol, destinationAddress, destinationPort }: Rule): Value[] {
  const [first = 0, last = first] = destinationPort.split('-').map(Number);
  const ports = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  const protocols = protocol === 'tcp_udp' ? ['tcp', 'udp'] : [protocol];
  return [
    numberIn('rule', number),
    ...protocols.flatMap((one) => ports.map((port) => numberIn(`${one} ${destinationAddress}`, port))),
  ];
}
