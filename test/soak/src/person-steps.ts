import { PersonRefused } from '@berth/vyos-simulator';
import type { Soak } from './soak.ts';

/** What a person at the router's command line has made there. Nobody else may touch it. */
export interface ForeignThings {
  readonly rules: Map<string, object>;
  readonly mappings: Map<string, object>;
}

const subnet = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16';

/**
 * Somebody makes or deletes a rule or a mapping of his own. At values that Berth hands out only while nothing is on its way, and so that the next batch
 * begins with a new reading: an edit between the reading and the commit cannot be seen by anybody, as the documentation says.
 */
export async function personEdits(soak: Soak): Promise<void> {
  const { dice, foreign } = soak;
  const rule = dice.oneOf([...foreign.rules.keys()]);
  const mapping = dice.oneOf([...foreign.mappings.keys()]);
  if (rule !== undefined && dice.chance(0.4)) {
    if (await commit(soak, [`delete nat destination rule ${rule}`])) foreign.rules.delete(rule);
  } else if (mapping !== undefined && dice.chance(0.4)) {
    if (await commit(soak, [`delete ${subnet} static-mapping ${mapping}`])) foreign.mappings.delete(mapping);
  } else if (dice.chance(0.5)) await makeRule(soak);
  else await makeMapping(soak);
}

/** Somebody changes or deletes what Berth made. */
export async function personMeddles(soak: Soak): Promise<void> {
  const { dice, foreign, router } = soak;
  const rule = dice.oneOf(Object.keys(router.rules()).filter((number) => !foreign.rules.has(number)));
  const mapping = dice.oneOf(Object.keys(router.mappings()).filter((name) => !foreign.mappings.has(name)));
  const at = `nat destination rule ${rule}`;
  const lines = [
    ...(rule === undefined
      ? []
      : [
          `delete ${at}`,
          `set ${at} description 'by hand ${dice.number(100)}'`,
          `set ${at} disable`,
          `set ${at} translation port ${1 + dice.number(60_000)}`,
          `set ${at} log`,
        ]),
    ...(mapping === undefined ? [] : [`delete ${subnet} static-mapping ${mapping}`]),
  ];
  const line = dice.oneOf(lines);
  if (line === undefined) return;
  soak.meddled = true;
  await commit(soak, [line]);
}

async function makeRule(soak: Soak): Promise<void> {
  const { dice, foreign } = soak;
  const ours = soak.isAtRest();
  const number = String(ours && dice.chance(0.5) ? 10_000 + dice.number(200) : 100 + dice.number(50));
  const port = String(ours ? 32_000 + dice.number(200) : 2_000 + dice.number(1_000));
  const at = `nat destination rule ${number}`;
  if (foreign.rules.has(number) || soak.router.rules()[number] !== undefined) return;
  const made = await commit(soak, [
    `set ${at} destination port ${port}`,
    `set ${at} inbound-interface name eth0`,
    `set ${at} protocol tcp`,
    `set ${at} translation address 10.10.200.${1 + dice.number(200)}`,
  ]);
  if (made) foreign.rules.set(number, soak.router.rules()[number] ?? {});
}

async function makeMapping(soak: Soak): Promise<void> {
  const { dice, foreign } = soak;
  const name = `by-hand-${dice.number(1_000)}`;
  if (foreign.mappings.has(name)) return;
  const made = await commit(soak, [
    `set ${subnet} static-mapping ${name} mac 52:ff:00:00:00:${dice.number(256).toString(16).padStart(2, '0')}`,
    `set ${subnet} static-mapping ${name} ip-address 10.10.${soak.isAtRest() ? 0 : 240}.${20 + dice.number(100)}`,
  ]);
  if (made) foreign.mappings.set(name, soak.router.mappings()[name] ?? {});
}

/** An inventory that is older than this is read again before a batch. */
const readAgainAfterMs = 2_000;

async function commit(soak: Soak, commands: readonly string[]): Promise<boolean> {
  try {
    await soak.system.router.person({ commands, save: true });
    soak.system.clock.pass(readAgainAfterMs);
    return true;
  } catch (error) {
    if (error instanceof PersonRefused) return false;
    throw error;
  }
}
