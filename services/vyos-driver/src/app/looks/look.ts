import { createHash } from 'node:crypto';
import { DomainError } from '@berth/errors';
import { adoptableIn } from '../../domain/adoption/adoptable-objects.ts';
import { commitConfirmOf } from '../../domain/batches/commit-confirm.ts';
import type { OwnedContent } from '../../domain/changes/plan.ts';
import { sameContent } from '../../domain/changes/plan-changes.ts';
import type { ConfigTree } from '../../domain/config-tree.ts';
import { type RenamedPath, renamedPaths } from '../../domain/dialects/renamed-paths.ts';
import { sameHost } from '../../domain/dialects/same-host.ts';
import { hasShapeOf } from '../../domain/dialects/version-shape.ts';
import { foreignConfig } from '../../domain/inventory/foreign-config.ts';
import {
  detectPlace,
  type ForeignHolding,
  foreignHoldings,
  networksIn,
  type RouterPlace,
} from '../../domain/inventory/inventory.ts';
import { recordDrift } from '../drift/record-drift.ts';
import type { BatchChange, OwnedResource } from '../router-ledger.ts';
import { RouterAway, readWholeConfig } from '../session/router-calls.ts';
import type { RouterSession } from '../session/session.ts';
import { askVersion, dialectOf, knowVersion } from './know-version.ts';
import { recordSeen } from './record-seen.ts';

/** What a complete reading showed, believed. Not yet acted on. */
export interface Reading {
  readonly config: ConfigTree;
  /** Others' part of it. */
  readonly foreign: ConfigTree;
  readonly costMs: number;
  /** What stands of each resource; one that has nothing there is absent. */
  readonly standing: ReadonlyMap<string, OwnedContent>;
  readonly resources: readonly OwnedResource[];
  readonly holdings: readonly ForeignHolding[];
  readonly inventoryHash: string;
  /** Paths that a batch claimed and that are not ours after all: nothing stands there, or something that we did not send. */
  readonly unclaimed: readonly string[];
  /** Released paths at which somebody else has made something since: not ours any more. */
  readonly lost: readonly string[];
  /** Paths of ours that the router gave another name. They are standing under it. */
  readonly renamed: readonly RenamedPath[];
}

const nothing: OwnedContent = new Map();
/** After so many readings that all differ somebody is at work on the router: rest before asking again. */
const readingsInARow = 4;

/**
 * Reads the whole configuration until it can be believed: a reading that shows what is expected (all as applied, the inventory as before,
 * what `sent` was to put there), or what the last believed one showed, counts at once; anything else when two readings in a row show the same, since during commits a router also
 * answers that paths are empty which are not. Throws RouterAway.
 */
export async function readGround(session: RouterSession, sent: readonly BatchChange[] = []): Promise<Reading> {
  await knowVersion(session);
  const resources = await session.parts.ledger.ownedResources();
  let previous = sent.length === 0 ? session.lastShown : undefined;
  for (let readings = 1; ; readings++) {
    const { config, durationMs } = await readWholeConfig(session);
    // It may have been upgraded in a moment in which nobody asked.
    if (!hasShapeOf(dialectOf(session).version, config)) await askVersion(session);
    const reading = interpret(session, resources, sent, config, durationMs);
    const shown = fingerprint(
      [...reading.standing].map(([id, content]) => [id, [...content]]),
      reading.inventoryHash,
    );
    if (isExpected(session, reading, sent) || shown === previous) {
      session.lastShown = shown;
      return reading;
    }
    previous = shown;
    if (readings % readingsInARow === 0) await session.pause(session.parts.times.settleDelayMs);
    if (session.parts.stopping.aborted) throw new RouterAway('stopping');
  }
}

/**
 * Takes the reading as the new ground. Differences in resources that `repair` names were left by our batches, and are undone with the next one, as are
 * all after an outage; others were made by somebody beside us, and their policies say what becomes of them.
 */
export async function takeGround(
  session: RouterSession,
  reading: Reading,
  repair: (resourceId: string) => boolean = () => false,
): Promise<void> {
  session.distrust();
  session.outages = 0;
  const differences = await recordDrift(session, reading, {
    isOurs: (id) => repair(id) || session.toRepair.has(id),
    afterOutage: session.repairAll,
  });
  session.ground = { differences };
  session.repairAll = false;
  session.toRepair.clear();
  session.lastDriftLookAt = session.now();
  report(session);
  await recordSeen(session, reading);
  await recordLook(session, reading);
}

/** Reads and takes the reading as the ground. */
export async function lookAround(session: RouterSession): Promise<void> {
  await takeGround(session, await readGround(session));
}

function interpret(
  session: RouterSession,
  resources: readonly OwnedResource[],
  sent: readonly BatchChange[],
  config: ConfigTree,
  costMs: number,
): Reading {
  const dialect = dialectOf(session);
  const asked = new Map(
    sent.map(({ resourceId, after }) => [resourceId, dialect.migrated(new Map(Object.entries(after)))]),
  );
  const expected = new Map([
    ...resources.filter(mayBeRenamed).map((one) => [one.resourceId, session.contentOf(one.applied)] as const),
    ...asked,
  ]);
  const renamed = renamedPaths(config, expected, session.owned);
  const newNames = new Map(renamed.map(({ to, resourceId }) => [to, resourceId]));
  const content = dialect.contentAt(config, [...session.owned.keys(), ...newNames.keys()]);
  const unclaimed = unclaimedOf(sent, asked, content, renamed);
  const lost = new Set(
    [...content]
      .filter(([key, tree]) => !newNames.has(key) && !session.owned.isOurs(key, tree, dialect.migrated))
      .map(([key]) => key),
  );
  const standing = new Map<string, Map<string, ConfigTree>>();
  for (const [key, tree] of content) {
    const owner = newNames.get(key) ?? session.owned.ownerOf(key);
    if (owner === undefined || unclaimed.has(key) || lost.has(key)) continue;
    const own = standing.get(owner) ?? new Map<string, ConfigTree>();
    standing.set(owner, own.set(key, tree));
  }
  const ours = new Set(
    [...session.owned.keys(), ...newNames.keys()].filter((key) => !unclaimed.has(key) && !lost.has(key)),
  );
  const holdings = foreignHoldings(config, ours);
  return {
    config,
    foreign: foreignConfig(config, ours),
    costMs,
    standing,
    resources,
    holdings,
    inventoryHash: fingerprint(holdings.map((holding) => JSON.stringify(holding)).sort()),
    unclaimed: [...unclaimed],
    lost: [...lost],
    renamed,
  };
}

/** Whether a version of VyOS does not take its mapping's name. */
const mayBeRenamed = ({ applied }: OwnedResource): boolean => /[^A-Za-z0-9.-]/.test(applied.mapping?.name ?? '');

/** The claimed paths at which not what was sent stands. One that was renamed since is ours under its new name. */
function unclaimedOf(
  sent: readonly BatchChange[],
  asked: ReadonlyMap<string, OwnedContent>,
  content: OwnedContent,
  renamed: readonly RenamedPath[],
): ReadonlySet<string> {
  const unclaimed = new Set<string>();
  for (const { resourceId, claims } of sent) {
    for (const key of claims.filter((claim) => !renamed.some(({ from }) => from === claim))) {
      const there = content.get(key);
      const wanted = asked.get(resourceId)?.get(key);
      if (!there || !wanted || !isOurs(key, there, wanted)) unclaimed.add(key);
    }
  }
  return unclaimed;
}

/** What was sent, or what somebody has made of it since: nothing stood there when it was sent, and it leads to the same host. */
const isOurs = (key: string, there: ConfigTree, sent: ConfigTree): boolean =>
  sameHost(there, sent) || sameContent(new Map([[key, there]]), new Map([[key, sent]]));

function isExpected(session: RouterSession, reading: Reading, sent: readonly BatchChange[]): boolean {
  if (reading.inventoryHash !== session.inventoryHash) return false;
  const { migrated } = dialectOf(session);
  const asked = new Map(sent.map(({ resourceId, after }) => [resourceId, migrated(new Map(Object.entries(after)))]));
  return reading.resources.every(({ resourceId, applied }) =>
    sameContent(reading.standing.get(resourceId) ?? nothing, asked.get(resourceId) ?? session.contentOf(applied)),
  );
}

async function recordLook(session: RouterSession, reading: Reading): Promise<void> {
  const place = placeOf(session, reading.config);
  const { settings, log, name } = session.parts;
  const commitConfirm = commitConfirmOf(
    reading.config,
    dialectOf(session),
    { minutes: settings.commitConfirmMinutes },
    session.ignoresConfirm,
  );
  const changed = reading.inventoryHash !== session.inventoryHash;
  const standing = [...reading.standing.values()].flatMap((content) => [...content.keys()]);
  const back = standing.filter((key) => session.owned.isReleased(key));
  await session.parts.ledger.recordLook({
    version: session.version,
    profile: { ...place, ...networksIn(reading.config), commitConfirm },
    costMs: reading.costMs,
    inventoryHash: reading.inventoryHash,
    ...(changed ? { holdings: reading.holdings } : {}),
    adoptable: adoptableIn(reading.foreign),
    back,
    lost: reading.lost,
    renamed: reading.renamed,
  });
  session.owned.rename(reading.renamed);
  for (const { resourceId, from, to } of reading.renamed) {
    log.warn({ router: name, resourceId, from, to }, 'router gave a mapping of ours another name');
  }
  session.commitConfirm = commitConfirm;
  session.owned.takeBack(back);
  session.owned.forget(reading.lost);
  session.place = place;
  session.placeChecked = true;
  session.inventoryHash = reading.inventoryHash;
  const { foreign, costMs, holdings } = reading;
  session.look = { foreign, at: session.now(), costMs, foreignSize: holdings.filter(isConfigured).length };
}

const isConfigured = ({ kind }: ForeignHolding): boolean => kind === 'rule_number' || kind === 'mapping_name';

/**
 * The router's place in the network. What the operator said must fit, and what he did not say must be clear, when this process looks for
 * the first time: otherwise it throws. Once a place is known, a configuration that has become ambiguous does not change it.
 */
function placeOf(session: RouterSession, config: ConfigTree): RouterPlace {
  try {
    return detectPlace(config, session.parts.wishes);
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== 'invalid') throw error;
    const ambiguous = error.code === 'ROUTER_PROFILE_AMBIGUOUS';
    if (session.place === undefined || (!ambiguous && !session.placeChecked)) throw error;
    session.parts.log.warn({ router: session.parts.name, err: error }, 'router place stays as it was');
    return session.place;
  }
}

function report(session: RouterSession): void {
  const { log, metrics, name } = session.parts;
  const differences = [...(session.ground?.differences.values() ?? [])];
  metrics.drifted(name, differences.length);
  const made = differences.filter(({ repair }) => !repair).map(({ resource }) => resource.resourceId);
  if (made.join() === session.reported) return;
  session.reported = made.join();
  if (made.length === 0) log.info({ router: name }, 'router drift is gone');
  else log.warn({ router: name, resourceIds: made.slice(0, 20), count: made.length }, 'router drifted');
}

const fingerprint = (...parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex');
