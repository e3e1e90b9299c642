import type { Database } from '@berth/database';
import { DomainError } from '@berth/errors';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { Command } from '../app/commands.ts';
import type { AcceptTogether } from '../app/operations/command-queue.ts';
import type { Operation } from '../domain/operations/operation.ts';
import { poolLevels, unsettledLevels } from './postgres/levels.ts';
import { poolCountsReader } from './postgres/pools/pool-levels.ts';

/** What the allocator counts. */
export interface AllocatorMetrics {
  /** Counts the batches that `accept` takes and how long each takes. */
  measured(accept: AcceptTogether): AcceptTogether;
  countAnswer(kind: Command['kind'], answer: unknown): void;
  countEnd(operation: Operation): void;
}

/** Registers the allocator's metrics; levels are read when they are asked for. */
export function allocatorMetrics(registry: Registry, database: Database): AllocatorMetrics {
  const registers = [registry];
  const batchSize = new Histogram({
    name: 'berth_accept_batch_commands',
    help: 'Commands that shared one accepting transaction.',
    buckets: [1, 2, 4, 8, 16, 32, 64, 128, 200],
    registers,
  });
  const batchSeconds = new Histogram({
    name: 'berth_accept_batch_seconds',
    help: 'How long an accepting transaction took, its commit included.',
    buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5],
    registers,
  });
  const commands = new Counter({
    name: 'berth_commands_total',
    help: 'Commands by kind and answer: accepted, replayed, or the code of their refusal.',
    labelNames: ['kind', 'answer'],
    registers,
  });
  const operations = new Counter({
    name: 'berth_operations_ended_total',
    help: 'Operations that ended, by kind and outcome.',
    labelNames: ['kind', 'outcome'],
    registers,
  });
  levels(registry, database);
  poolUse(registry, database);
  return {
    measured: (accept) => async (together) => {
      batchSize.observe(together.length);
      const stop = batchSeconds.startTimer();
      try {
        return await accept(together);
      } finally {
        stop();
      }
    },
    countAnswer(kind, answer) {
      commands.inc({ kind, answer: nameOf(answer) });
    },
    countEnd({ kind, state }) {
      operations.inc({ kind, outcome: state });
    },
  };
}

function nameOf(answer: unknown): string {
  if (answer instanceof DomainError) return answer.code;
  const replayed = typeof answer === 'object' && answer !== null && 'replayed' in answer && answer.replayed === true;
  return replayed ? 'replayed' : 'accepted';
}

const quietly = (read: () => Promise<void>) => () => read().catch(() => {}); // away: the readiness check says so

const poolGauges = {
  size: 'Values that a pool has, without exclusions; ports of both protocols count twice.',
  held: 'Values of a pool that VMs hold.',
  reserved: 'Values of a pool that are reserved by hand.',
  quarantined: 'Values of a pool that rest after their release.',
  foreign: 'Values of a pool that others hold on the router.',
} as const;

function poolUse(registry: Registry, database: Database): void {
  const read = poolCountsReader(database);
  for (const [what, help] of Object.entries(poolGauges) as [keyof typeof poolGauges, string][]) {
    new Gauge({
      name: `berth_pool_${what}`,
      help,
      labelNames: ['router', 'kind', 'pool'],
      registers: [registry],
      async collect() {
        await quietly(async () => {
          const counts = await read();
          this.reset(); // pools that are gone
          for (const { router, kind, pool, [what]: count } of counts) this.set({ router, kind, pool }, count);
        })();
      },
    });
  }
}

function levels(registry: Registry, database: Database): void {
  const registers = [registry];
  new Gauge({
    name: 'berth_pool_free',
    help: 'Values that are free, by router, kind of number, external address and pool.',
    labelNames: ['router', 'space', 'external_ip', 'pool'],
    registers,
    async collect() {
      await quietly(async () => {
        for (const { free, ...labels } of await poolLevels(database)) this.set(labels, free);
      })();
    },
  });
  const oldest = new Gauge({
    name: 'berth_unsettled_oldest_seconds',
    help: 'Age of the longest awaited verdict.',
    registers,
  });
  const quarantined = new Gauge({ name: 'berth_quarantined_values', help: 'Values in quarantine.', registers });
  new Gauge({
    name: 'berth_unsettled_revisions',
    help: 'VMs whose change is on its way to the router.',
    registers,
    async collect() {
      await quietly(async () => {
        const now = await unsettledLevels(database);
        this.set(now.count);
        oldest.set(now.oldestSeconds);
        quarantined.set(now.quarantined);
      })();
    },
  });
}
