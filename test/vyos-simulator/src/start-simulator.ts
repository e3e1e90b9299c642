import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { controlUrlOf, openControlServer } from './control/control-server.ts';
import { treeFromJson, UnreadableConfiguration } from './domain/config-json.ts';
import { type Branch, branchAt, Leaf, sortedNames, valueAt } from './domain/config-tree.ts';
import type { Fault } from './domain/faults.ts';
import type { LatencySettings } from './domain/latency.ts';
import { fingerprintOf, makeCertificate } from './http/certificate.ts';
import type { LoggedRequest } from './http/request-log.ts';
import { migrated } from './profile/migrate.ts';
import { isProfileName, type Profile, type ProfileName, profileNamed } from './profile/profile.ts';
import { ensureBranch } from './profile/tree-moves.ts';
import { type Clock, RealClock } from './router/clock.ts';
import type { Counters } from './router/counters.ts';
import type { PersonEdit } from './router/person.ts';
import { type RebootOptions, SimulatedRouter } from './simulated-router.ts';
import { StateFolder } from './state-folder.ts';

export type SimulatorOptions = {
  /** Of the HTTPS API; 0 or absent: chosen by the system. */
  readonly port?: number;
  readonly controlPort?: number;
  /** An API key that is put into the configuration. Absent: the configuration's first key, or a random one. */
  readonly key?: string;
  /** The key's id in the configuration; default `berth`. */
  readonly keyId?: string;
  /** In the shape of `showConfig []`; default: the baseline of the observed router. Ignored when the state folder has one. */
  readonly config?: unknown;
  /** Default: the one of the state folder, else `1.5-2024`. A newer one than the state folder's is an upgrade. */
  readonly profile?: ProfileName;
  /** Default: the preset `instant`. */
  readonly latency?: LatencySettings;
  /** Default: the machine's. With a ManualClock nothing that takes time happens before it is advanced. */
  readonly clock?: Clock;
  /** Where the certificate, the key and the saved configuration live on; absent: nowhere. */
  readonly stateFolder?: string;
};

/** A running simulator. Times are real milliseconds. */
export interface Simulator {
  readonly url: string;
  readonly controlUrl: string;
  readonly key: string;
  readonly keyId: string;
  /** PEM, self-signed, for localhost and 127.0.0.1. */
  readonly certificate: string;
  /** The file that holds it, when there is a state folder. */
  readonly certificateFile: string | undefined;
  /** SHA-256 of the certificate in DER form, lower-case hex without colons. */
  readonly fingerprint: string;
  /** The configuration in the shape of `showConfig []`. */
  config(tree?: 'running' | 'saved'): unknown;
  counters(): Counters;
  log(): readonly LoggedRequest[];
  setLatency(latency: LatencySettings): void;
  addFault(fault: Fault): void;
  clearFaults(): void;
  /** Resolves when the edit is committed, also while `holdLockMs` still runs. Rejects with PersonRefused. */
  person(edit: PersonEdit): Promise<void>;
  /** Resolves when the router listens again. With a newer `profile` it is an upgrade: the saved configuration is migrated. */
  reboot(options: RebootOptions): Promise<void>;
  /** Another device takes its place, with what this one started with. Resolves when it listens. */
  replace(options: { readonly downMs: number }): Promise<void>;
  /** Closes both servers and cuts all connections. */
  stop(): Promise<void>;
}

/** Starts a router on 127.0.0.1. Several can run side by side. */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const state = options.stateFolder === undefined ? undefined : await StateFolder.open(options.stateFolder);
  const kept = await keptConfiguration(state);
  const profile = profileNamed(options.profile ?? kept?.profile ?? '1.5-2024');
  const ownKey = async () => state && ((await state.key()) ?? newKey()); // what a configuration brings may be everybody's
  const wanted = { key: options.key ?? (await ownKey()), keyId: options.keyId };
  const factory = treeFromJson(options.config ?? (await baseline(profile.name)), profile.schema);
  const config = kept === undefined ? factory : migrated(kept.config, kept.profile, profile.name);
  const { key, keyId } = putKey(config, profile, wanted);
  if (config !== factory) putKey(factory, profile, { key, keyId });
  const certificate = state === undefined ? await makeCertificate() : await state.certificate();
  const clock = options.clock ?? new RealClock();
  const router = new SimulatedRouter(profile, config, certificate, { port: options.port ?? 0, clock, factory });
  if (options.latency !== undefined) router.setLatency(options.latency);
  if (state !== undefined) {
    const saved = () => ({ config: router.config('saved'), profile: router.profile });
    router.onSave(() => state.keepWithoutHurry(saved));
    await state.keepKey(key);
    await state.keepSaved(saved());
  }
  await router.open();
  const control = await openControlServer(router, options.controlPort ?? 0);
  return {
    url: router.url,
    controlUrl: controlUrlOf(control),
    key,
    keyId,
    certificate: certificate.cert,
    certificateFile: state?.certificateFile,
    fingerprint: fingerprintOf(certificate.cert),
    config: (tree) => router.config(tree),
    counters: () => router.counters(),
    log: () => router.log(),
    setLatency: (latency) => router.setLatency(latency),
    addFault: (fault) => router.addFault(fault),
    clearFaults: () => router.clearFaults(),
    person: (edit) => router.person(edit),
    reboot: (reboot) => router.reboot(reboot),
    replace: (replace) => router.replace(replace),
    stop: async () => {
      control.closeAllConnections();
      await Promise.all([router.stop(), new Promise((resolve) => control.close(resolve))]);
      await state?.flush();
    },
  };
}

/** What a state folder holds of a router; folders of earlier simulators do not say of which version. */
async function keptConfiguration(
  state: StateFolder | undefined,
): Promise<{ readonly config: Branch; readonly profile: ProfileName } | undefined> {
  const document = await state?.saved();
  if (document === undefined) return undefined;
  const name = (await state?.profile()) ?? '1.5-2024';
  if (!isProfileName(name)) throw new UnreadableConfiguration(`the state folder is of a version "${name}"`);
  return { config: treeFromJson(document, profileNamed(name).schema), profile: name };
}

/** The small router that is started with by default: the one that was observed, in the shapes of each version. */
export async function baseline(profile: ProfileName = '1.5-2024'): Promise<unknown> {
  const name = profile.startsWith('1.5') ? 'baseline.json' : `baseline-${profile}.json`;
  return JSON.parse(await readFile(new URL(`../fixtures/${name}`, import.meta.url), 'utf8'));
}

const newKey = (): string => randomBytes(24).toString('base64url');

/** Finds or makes the API key, and puts it where a router has it: `service https api keys id <id> key <key>`. */
function putKey(
  config: Branch,
  { apiPath }: Profile,
  { key: wanted, keyId: wantedId }: { readonly key: string | undefined; readonly keyId: string | undefined },
): { key: string; keyId: string } {
  const ids = branchAt(config, 'service', 'https', 'api', 'keys', 'id');
  const known = sortedNames(ids).find(
    (id) => valueAt(ids, id, 'key') === wanted || (wanted === undefined && (wantedId ?? id) === id),
  );
  const knownKey = known === undefined ? undefined : valueAt(ids, known, 'key');
  if (known !== undefined && knownKey !== undefined && (wantedId ?? known) === known)
    return { key: knownKey, keyId: known };
  const key = wanted ?? newKey();
  const keyId = wantedId ?? 'berth';
  ensureBranch(config, 'service', 'https', 'api', 'keys', 'id', keyId).children.set('key', new Leaf([key]));
  ensureBranch(config, ...apiPath);
  return { key, keyId };
}
