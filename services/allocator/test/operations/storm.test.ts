import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PortAction, Protocol, type RouterChange } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { eventually } from '@berth/testing';
import { makeWorld, type World } from '../support/world.ts';

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

/** What the router holds of a VM, in few words. */
const linesOf = (change: RouterChange | undefined) => {
  const { mapping, rules = [] } = change?.desired ?? {};
  return {
    mapping: [mapping?.name, mapping?.macAddress, mapping?.ipAddress],
    rules: rules.map((rule) => [
      rule.number,
      rule.protocol,
      rule.destinationPort,
      rule.translationPort,
      rule.sourceAddress,
      rule.disabled,
    ]),
  };
};

const pick = <T>(random: () => number, ...choices: readonly T[]): T =>
  choices[Math.floor(random() * choices.length)] as T;

/** A forward that may need several ports and rule numbers, or a port that others want. */
const randomSpec = (random: () => number, name: string) => ({
  name,
  internalPort: 8_000,
  internalPortEnd: pick(random, 0, 8_001),
  protocol: pick(random, Protocol.TCP, Protocol.UDP, Protocol.TCP_UDP),
  externalPort: pick(random, 0, 0, 32_010, 32_011),
  moreSources: pick(random, [], ['192.0.2.1'], ['192.0.2.1', '192.0.2.2']),
});

function randomEdit(random: () => number) {
  const edits = ['ssh', 'http', 'a', 'b', 'c'].map((name) => {
    const which = random();
    if (which < 0.1) return { create: [randomSpec(random, name)] };
    if (which < 0.14) return { delete: [name] };
    if (which > 0.24) return {};
    const newName = pick(random, undefined, undefined, 'a', 'b', 'c');
    const externalPort = pick(random, undefined, 0, 32_010, 32_012);
    const sources = pick(random, undefined, { sources: [] }, { sources: ['192.0.2.1', '192.0.2.2'] });
    return {
      update: [
        {
          name,
          enabled: random() < 0.5,
          ...(newName !== undefined && { newName }),
          ...(externalPort !== undefined && { externalPort }),
          ...(sources && { sources }),
        },
      ],
    };
  });
  return {
    create: edits.flatMap(({ create = [] }) => create),
    update: edits.flatMap(({ update = [] }) => update),
    delete: edits.flatMap((edit) => edit.delete ?? []),
  };
}

const randomUpdate = (random: () => number) => ({
  ...(random() < 0.6 && { vmName: `vm-${Math.floor(random() * 5)}` }),
  ...(random() < 0.3 && { macAddress: `52:54:00:00:00:0${Math.floor(random() * 8)}` }),
  ...(random() < 0.2 && { hostname: pick(random, '', 'box-1', 'box-2') }),
  ...(random() < 0.3 && { ownerGroup: pick(random, 'red', 'blue') }),
});

const refusals = [
  'VM_NAME_TAKEN',
  'MAC_TAKEN',
  'HOSTNAME_TAKEN',
  'VM_NOT_FOUND',
  'PORT_NOT_FOUND',
  'UNKNOWN_PORT',
  'FORWARD_EXISTS',
  'EXTERNAL_PORT_TAKEN',
  'PORT_POOL_EXHAUSTED',
  'INVALID_REQUEST',
];

async function randomCommand(world: World, random: () => number): Promise<void> {
  const name = `vm-${Math.floor(random() * 5)}`;
  const port = ['ssh', 'http', 'https'].filter(() => random() < 0.5);
  const action = 1 + Math.floor(random() * 5);
  const which = random();
  try {
    if (which < 0.2) await world.provision({ vmName: name, forwards: port.map((one) => ({ name: one })) });
    else if (which < 0.4) await world.changePorts(name, action as PortAction, port);
    else if (which < 0.75) await world.changeForwards(name, randomEdit(random));
    else if (which < 0.93) await world.updateVm(name, randomUpdate(random));
    else await world.decommission(name);
  } catch (error) {
    if (!(error instanceof DomainError) || !refusals.includes(error.code)) throw error;
  }
}

interface Range {
  readonly first: number;
  readonly last: number;
}

interface StoredForward {
  readonly name: string;
  readonly state: string;
  readonly protocol: string;
  readonly external: Range | null;
  readonly ownRules: Range | null;
}

interface StoredVm {
  readonly id: string;
  readonly name: string;
  readonly mac_address: string;
  readonly hostname: string;
  readonly internal_ip: string;
  readonly rules: Range;
  readonly state: string;
  readonly forwards: readonly StoredForward[];
}

const numbers = ({ first, last }: Range): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** Every number that a VM must hold, with what for. */
const heldBy = ({ id, rules, forwards }: StoredVm): string[] => [
  ...numbers(rules).map((number) => `${id} rule ${number} `),
  ...forwards.flatMap(({ name, state, protocol, external, ownRules }) => [
    ...(ownRules ? numbers(ownRules).map((number) => `${id} rule ${number} ${name}`) : []),
    ...(state === 'absent' || external === null
      ? []
      : protocol.split('_').flatMap((kind) => numbers(external).map((number) => `${id} ${kind} ${number} ${name}`))),
  ]),
];

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

    const vms = await world.query<StoredVm>('SELECT * FROM vms');
    assert.ok(vms.every(({ state }) => ['active', 'removed', 'failed'].includes(state)));
    const living = vms.filter(({ state }) => state === 'active');
    for (const vm of vms.filter((one) => !living.includes(one))) {
      assert.deepEqual(linesOf(driver.holds.get(vm.id)).rules, [], vm.name);
    }
    for (const vm of living) {
      const { mapping, rules } = linesOf(driver.holds.get(vm.id));
      assert.deepEqual(mapping, [vm.hostname, vm.mac_address, vm.internal_ip]);
      const shown = (await world.vm(vm.id)).forwards;
      assert.deepEqual(
        rules.map(([number]) => number),
        shown.flatMap(({ natRuleNumbers }) => natRuleNumbers),
      );
      assert.deepEqual(
        rules.map(([, , , , , disabled]) => disabled),
        shown.flatMap(({ natRuleNumbers, enabled }) => natRuleNumbers.map(() => !enabled)),
      );
    }
    await eventually(async () => (await world.query("SELECT FROM allocations WHERE kind = 'quarantine'")).length === 0);
    const held = await world.query<{ text: string }>(
      `SELECT a.vm_id || ' ' || s.kind || ' ' || n || ' ' || a.slot AS text FROM allocations a JOIN spaces s ON s.id = a.space_id,
         generate_series(lower(a.held), upper(a.held) - 1) n WHERE s.kind <> 'address'`,
    );
    assert.deepEqual(held.map(({ text }) => text).sort(), living.flatMap(heldBy).sort());
    const addresses = await world.query<{ vm_id: string }>(
      "SELECT a.vm_id FROM allocations a JOIN spaces s ON s.id = a.space_id WHERE s.kind = 'address'",
    );
    assert.deepEqual(addresses.map(({ vm_id }) => vm_id).sort(), living.map(({ id }) => id).sort());
    const claims = await world.query<{ text: string }>(
      "SELECT vm_id || ' ' || kind || ' ' || value AS text FROM claims",
    );
    const known = living.flatMap(({ id, name, mac_address, hostname }) => [
      `${id} vm_name ${name.toLowerCase()}`,
      `${id} mac ${mac_address}`,
      `${id} mapping ${hostname.toLowerCase()}`,
    ]);
    assert.deepEqual(claims.map(({ text }) => text).sort(), known.sort());
    const wrong = await world.query(
      `SELECT g.id, n FROM segments g JOIN segment_ranges r ON r.segment_id = g.id JOIN spaces s ON s.id = g.space_id,
         generate_series(lower(r.span), upper(r.span) - 1) n
       WHERE g.pool_id IS NOT NULL AND s.kind <> 'address'
         AND (SELECT count(*) FROM free_spans f WHERE f.segment_id = g.id AND n BETWEEN f.first AND f.last)
           + (SELECT count(*) FROM allocations a WHERE a.space_id = g.space_id AND a.held @> n) <> 1 LIMIT 5`,
    );
    assert.deepEqual(wrong, []);
    const failed = await world.query<{ code: string }>(
      `SELECT DISTINCT error ->> 'code' AS code FROM operations WHERE state = 'failed'`,
    );
    assert.deepEqual(
      failed.filter(({ code }) => code !== 'ROUTER_REFUSED' && !refusals.includes(code)),
      [],
    );
  });
}
