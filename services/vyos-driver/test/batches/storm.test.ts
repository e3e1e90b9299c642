import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RouterChangeSettled, Verdict } from '@berth/contracts';
import { eventually } from '@berth/testing';
import type { Fault } from '@berth/vyos-simulator';
import type { RunningDriver } from '../../src/start-driver.ts';
import { changeFor, fragmentFor } from '../support/changes.ts';
import { assertForeignUntouched, driverWorld, mappingOf, ruleOf, vmIds, type World } from '../support/driver-world.ts';

/** The same numbers for the same seed, so that a failure can be had again (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const passing: readonly Fault[] = [
  { kind: 'gateway_timeout', times: 1 },
  { kind: 'drop_connection', times: 1 },
  { kind: 'bad_gateway', times: 1 },
  { kind: 'locked', times: 2 },
  { kind: 'success_false', endpoint: '/config-file', times: 1 },
  { kind: 'success_false', times: 1 },
  { kind: 'bad_gateway', endpoint: '/retrieve', times: 1 },
];

const vms = 24;

/** What was asked for last of each VM: the revision, and with how many rules (0: removed). */
type Asked = Map<string, { readonly number: bigint; readonly rules: number }>;

const endOf = (world: World, asked: Asked, id: string): RouterChangeSettled | undefined =>
  world.settled.find((one) => one.resourceId === id && one.revision?.number === asked.get(id)?.number);

/** Two VMs that the router never takes: one that its refusal names, one that it does not. */
function poison({ router }: World): void {
  const text = 'Destination NAT configuration error in rule 10070: never!';
  router.addFault({ kind: 'refuse_commit', match: 'nat destination rule 10070', text });
  router.addFault({ kind: 'refuse_commit', match: 'nat destination rule 10130', text: 'Something is wrong' });
}

async function askForSomething(world: World, random: (below: number) => number, asked: Asked): Promise<string> {
  const n = 1 + random(vms);
  const id = `vm-${n}`;
  const number = (asked.get(id)?.number ?? 0n) + 1n;
  const rules = random(4);
  asked.set(id, { number, rules });
  const desired = rules === 0 ? undefined : fragmentFor(n, { rules, description: `revision ${number}` });
  await world.send(changeFor(n, { number, desired, ownerGroup: `group-${random(3)}` }));
  return id;
}

async function disturb(world: World, random: (below: number) => number, drivers: RunningDriver[]): Promise<void> {
  const event = random(11);
  const fault = passing[event];
  if (fault !== undefined) world.router.addFault(fault);
  if (event === 7) await world.router.reboot({ downMs: random(120) });
  if (event === 8) await world.router.person({ commands: [], holdLockMs: 30 });
  if (event !== 9) return;
  drivers.push(await world.start());
  await drivers.shift()?.stop();
}

async function assertRouterIsAsJudged(world: World, asked: Asked): Promise<void> {
  const rows = await world.query<{ resource_id: string; applied: { rules: unknown[] } | null }>(
    'SELECT resource_id, applied FROM resources',
  );
  const applied = new Map(rows.map((row) => [row.resource_id, row.applied]));
  for (const id of vmIds(1, vms)) {
    const n = Number(id.slice(3));
    const isThere = (applied.get(id) ?? null) !== null;
    assert.equal(ruleOf(world.router, n) !== undefined, isThere, `rule of ${id}`);
    assert.equal(mappingOf(world.router, n) !== undefined, isThere, `mapping of ${id}`);
  }
  for (const [id, { number, rules }] of asked) {
    if (endOf(world, asked, id)?.verdict !== Verdict.APPLIED) continue;
    assert.equal(applied.get(id)?.rules.length ?? 0, rules, `${id} revision ${number}`);
  }
  assert.deepEqual(world.router.config('saved'), world.router.config('running'), 'saved');
}

function assertVerdictsHold(settled: readonly RouterChangeSettled[]): void {
  const verdicts = new Map<string, Verdict>();
  for (const { resourceId, revision, verdict, message } of settled) {
    const key = `${resourceId} ${revision?.number}`;
    assert.equal(verdicts.get(key) ?? verdict, verdict, `one verdict for ${key}`);
    verdicts.set(key, verdict);
    const isPoisoned = resourceId === 'vm-7' || resourceId === 'vm-13';
    assert.ok(isPoisoned || verdict === Verdict.APPLIED, `${key} was blamed: ${message}`);
  }
}

for (const seed of [1, 3]) {
  test(`through outages, reboots, lost answers and refusals every change ends, and the router is as the verdicts say (seed ${seed})`, async (t) => {
    const random = randomNumbers(seed);
    const world = await driverWorld(t, {
      simulator: { latency: { commitMs: 15, noopMs: 5, natSetMs: 0.2, refusalSpellMs: 10 } },
      times: { probeEveryMs: 40, leaseTtlMs: 1_000, leaseMarginMs: 200, pollMs: 50 },
      breaker: { threshold: 3, resetTimeoutMs: 50 },
    });
    poison(world);
    const drivers = [await world.start(), await world.start()];
    const asked: Asked = new Map();
    for (let round = 0; round < 30; round++) {
      const id = await askForSomething(world, random, asked);
      await disturb(world, random, drivers);
      if (random(4) === 0)
        await eventually(() => endOf(world, asked, id), { timeoutMs: 30_000, what: `an end of ${id}` });
    }
    const open = () => [...asked.keys()].filter((id) => endOf(world, asked, id) === undefined);
    await eventually(() => open().length === 0, { timeoutMs: 60_000, what: 'an end of everything' });
    await eventually(async () => {
      await assertRouterIsAsJudged(world, asked);
      return true;
    });
    assertVerdictsHold(world.settled);
    const { max_in_flight, reads_beside_write } = world.router.counters();
    assert.equal(reads_beside_write, 0, 'no read beside a commit');
    assert.ok(max_in_flight <= 2, 'only a barrier may wait beside a commit');
    await assertForeignUntouched(world.router);
  });
}
