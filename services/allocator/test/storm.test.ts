import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PortAction, RouterChange } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { eventually } from '@berth/testing';
import { makeWorld, type World } from './world.ts';

/** The same numbers from the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d_2b_79_f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Judges every change as it comes, each revision once and for all, and keeps what the router holds then. */
class RandomDriver {
  readonly holds = new Map<string, RouterChange>();
  readonly #verdicts = new Map<string, boolean>();
  readonly #world: World;
  readonly #random: () => number;
  #seen = 0;

  constructor(world: World, random: () => number) {
    this.#world = world;
    this.#random = random;
  }

  async work(): Promise<void> {
    const { changes } = this.#world.driver;
    while (this.#seen < changes.length) {
      const change = changes[this.#seen++];
      if (change) await this.#judge(change);
    }
  }

  async #judge(change: RouterChange): Promise<void> {
    const { resourceId, revision } = change;
    const number = revision?.number ?? 0n;
    const key = `${resourceId} ${number}`;
    const applied = this.#verdicts.get(key) ?? this.#random() < 0.7;
    if (applied && !this.#verdicts.has(key)) this.holds.set(resourceId, change);
    this.#verdicts.set(key, applied);
    const stood = this.#random() < 0.3;
    await this.#world.driver.settle(resourceId, { applied, stood, revision: number });
    if (this.#random() < 0.3) await this.#world.driver.settle(resourceId, { applied: !applied, revision: number - 1n });
    if (this.#random() < 0.3) await this.#world.driver.settle(resourceId, { applied, revision: number });
  }
}

const portsOf = (change: RouterChange | undefined) =>
  (change?.desired?.rules ?? []).map(({ number, destinationPort, disabled }) => [
    number,
    Number(destinationPort),
    !disabled,
  ]);

async function randomCommand(world: World, random: () => number): Promise<void> {
  const name = `vm-${Math.floor(random() * 6)}`;
  const port = ['ssh', 'http', 'https'].filter(() => random() < 0.5);
  const action = 1 + Math.floor(random() * 5);
  const which = random();
  try {
    if (which < 0.3) await world.provision({ vmName: name, forwards: port.map((one) => ({ name: one })) });
    else if (which < 0.85) await world.changePorts(name, action as PortAction, port);
    else await world.decommission(name);
  } catch (error) {
    const expected = ['VM_NAME_TAKEN', 'VM_NOT_FOUND', 'PORT_NOT_FOUND', 'HOSTNAME_TAKEN', 'PORT_POOL_EXHAUSTED'];
    if (!(error instanceof DomainError) || !expected.includes(error.code)) throw error;
  }
}

for (const seed of [1, 2, 3]) {
  test(`whatever is asked for and however it is judged, books and router agree in the end (seed ${seed})`, async (t) => {
    const random = seeded(seed);
    const pools = {
      addressRange: undefined,
      portRange: { first: 32_000, last: 32_019 },
      ruleRange: { first: 10_000, last: 10_199 },
    };
    const world = await makeWorld(t, { replicas: 2, config: { pools, quarantineMs: 200, resendAfterSeconds: 2 } });
    const driver = new RandomDriver(world, random);
    let asking = true;
    const working = (async () => {
      while (asking) {
        await driver.work();
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    const caller = async () => {
      for (let count = 0; count < 15; count++) await randomCommand(world, random);
    };
    await Promise.all(Array.from({ length: 8 }, caller));
    await eventually(
      async () => (await world.query("SELECT FROM operations WHERE state IN ('pending', 'running')")).length === 0,
      { timeoutMs: 30_000, what: 'the end of every operation' },
    );
    asking = false;
    await working;

    const vms = await world.query<{ id: string; state: string; forwards: Record<string, unknown>[] }>(
      'SELECT * FROM vms',
    );
    for (const vm of vms) {
      const held = vm.state === 'active' ? vm.forwards.filter((forward) => forward['state'] !== 'absent') : [];
      assert.ok(['active', 'removed', 'failed'].includes(vm.state));
      assert.deepEqual(
        held.map((forward) => [forward['ruleNumber'], forward['externalPort'], forward['state'] === 'enabled']),
        portsOf(driver.holds.get(vm.id)),
      );
    }
    const living = vms.filter(({ state }) => state === 'active');
    await eventually(async () => (await world.query("SELECT FROM allocations WHERE kind = 'quarantine'")).length === 0);
    const held = await world.query<{ vm_id: string; slot: string }>(
      "SELECT vm_id, slot FROM allocations WHERE slot <> ''",
    );
    const expected = living.flatMap(({ id, forwards }) =>
      forwards.filter((forward) => forward['state'] !== 'absent').map((forward) => `${id} ${forward['name']}`),
    );
    assert.deepEqual(held.map(({ vm_id, slot }) => `${vm_id} ${slot}`).sort(), expected.sort());
    const claims = await world.query<{ vm_id: string }>('SELECT DISTINCT vm_id FROM claims');
    assert.deepEqual(claims.map(({ vm_id }) => vm_id).sort(), living.map(({ id }) => id).sort());
    const [free] = await world.query<{ free: number }>(
      "SELECT sum(f.length)::int AS free FROM free_spans f JOIN segments g ON g.id = f.segment_id JOIN spaces s ON s.id = g.space_id WHERE s.kind = 'tcp' AND g.pool_id IS NOT NULL",
    );
    assert.equal(free?.free ?? 0, 20 - expected.length);
    const failed = await world.query<{ code: string }>(
      `SELECT DISTINCT error ->> 'code' AS code FROM operations WHERE state = 'failed'`,
    );
    const known = ['ROUTER_REFUSED', 'VM_NOT_FOUND', 'PORT_NOT_FOUND', 'PORT_POOL_EXHAUSTED'];
    assert.deepEqual(
      failed.filter(({ code }) => !known.includes(code)),
      [],
    );
  });
}
