import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isKind } from '@berth/errors';
import type { CountedLimit } from '../../domain/limits/counted-limits.ts';
import { LeasedQuotas, type QuotaSource } from './leased-quotas.ts';

const limit = (subject: string, requests: number): CountedLimit => ({
  ...{ subject, endpointGroup: '', windowSeconds: 3_600, requests, mode: 'block' },
});

/** A counter of its own for each subject; `fails`: those of which it gives nothing. */
function counter() {
  const clock = { ms: Date.UTC(2026, 0, 1, 12) };
  const taken = new Map<string, number>();
  const fails = new Set<string>();
  const source: QuotaSource = {
    async lease(asks) {
      if (asks.some(({ window }) => fails.has(window.subject))) throw new Error('away');
      return asks.map(({ window, limit: most, needed, extra }) => {
        const before = taken.get(window.subject) ?? 0;
        const granted = Math.min(most - before, needed + extra);
        taken.set(window.subject, before + granted);
        return { granted, taken: before + granted };
      });
    },
    async giveBack(returns) {
      for (const { window, units } of returns) taken.set(window.subject, (taken.get(window.subject) ?? 0) - units);
    },
  };
  return { clock, taken, fails, quotas: new LeasedQuotas({ source, now: () => clock.ms }) };
}

const admits = async ({ quotas }: ReturnType<typeof counter>, ...limits: CountedLimit[]) =>
  (await quotas.take(limits)).every(({ allowed }) => allowed);

test('a request that one of its limits refuses takes nothing of the others', async () => {
  const world = counter();
  assert.ok(await admits(world, limit('a', 1)));
  for (let at = 0; at < 5; at++) assert.ok(!(await admits(world, limit('a', 1), limit('b', 100))));
  await world.quotas.stop();
  assert.deepEqual(
    [...world.taken],
    [
      ['a', 1],
      ['b', 0],
    ],
  );
});

test('a limit that cannot be asked about is unavailable, and what was taken of others goes back', async () => {
  const world = counter();
  await admits(world, limit('b', 100));
  world.fails.add('a');
  await assert.rejects(admits(world, limit('a', 10), limit('b', 100)), (error) => isKind(error, 'unavailable'));
  await world.quotas.stop();
  assert.equal(world.taken.get('b'), 1);
});

test('what nobody used for a while goes back, what is in use stays, and what belongs to a window that ended is dropped', async () => {
  const world = counter();
  await admits(world, limit('idle', 1_000));
  world.clock.ms += 9_000;
  await admits(world, limit('busy', 1_000));
  world.clock.ms += 2_000;
  await world.quotas.sweep();
  assert.equal(world.taken.get('idle'), 1);
  assert.equal(world.taken.get('busy'), 51);
  world.clock.ms += 3_600_000;
  await world.quotas.sweep();
  assert.equal(world.taken.get('busy'), 51, 'returns of windows that are over would count for nobody');
});

test('a limit that is lowered holds at once for what is at hand', async () => {
  const world = counter();
  for (let at = 0; at < 10; at++) assert.ok(await admits(world, limit('a', 1_000)));
  assert.ok(!(await admits(world, limit('a', 5))));
  assert.ok(await admits(world, limit('a', 1_000)), 'and one that is raised, too');
});
