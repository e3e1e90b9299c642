import { isKind } from '@berth/errors';
import { type CommitConfirm, commitConfirmOf } from '../../domain/batches/commit-confirm.ts';
import type { ConfigTree } from '../../domain/config-tree.ts';
import { dialectFor } from '../../domain/dialects/dialect.ts';
import {
  detectPlace,
  foreignHoldings,
  networksIn,
  type ProfileWishes,
  type RouterProfile,
} from '../../domain/inventory/inventory.ts';
import { dhcpPlace, externalIp, wanInterface } from '../../domain/inventory/router-profile.ts';
import type { CallOptions, Router } from '../ports.ts';
import { forPeople } from '../router-trouble.ts';

/** What the other end of a connection showed, or why there is none. */
export type CertificateSight =
  | { readonly problem: string }
  | {
      /** SHA-256, lower-case hexadecimal. */
      readonly fingerprint: string;
      readonly subject: string;
      readonly expiresAt: Date;
      /** Why the authorities do not vouch for it; empty: they do. */
      readonly distrust: string;
    };

export type CheckName =
  | 'connection'
  | 'certificate'
  | 'key'
  | 'version'
  | 'rights'
  | 'wan_interface'
  | 'external_ip'
  | 'dhcp_subnet'
  | 'dynamic_ranges'
  | 'commit_confirm';

/** One thing that was tried, and how it went. */
export interface RouterCheck {
  readonly name: CheckName;
  readonly result: 'ok' | 'warning' | 'failed';
  readonly message: string;
}

/** What a test found. */
export interface RouterTest {
  readonly checks: readonly RouterCheck[];
  readonly certificate?: Exclude<CertificateSight, { problem: string }>;
  readonly version?: string;
  readonly profile?: RouterProfile;
}

/** A router that is tried. */
export interface TestedRouter {
  readonly inspect: () => Promise<CertificateSight>;
  readonly router: Pick<Router, 'exists' | 'version' | 'emptyConfigure' | 'showConfig'>;
  /** Empty: none is pinned. */
  readonly pin: string;
  readonly wishes: ProfileWishes;
  readonly call: CallOptions;
}

const soonMs = 30 * 86_400_000;

/** Tries one thing after the other, and stops where the rest needs what failed. Changes nothing on the router. Does not throw. */
export async function testRouter(tested: TestedRouter): Promise<RouterTest> {
  const checks: RouterCheck[] = [];
  const note = (name: CheckName, result: RouterCheck['result'], message: string) => {
    checks.push({ name, result, message });
    return result !== 'failed';
  };
  const sight = await tested.inspect();
  if ('problem' in sight) {
    note('connection', 'failed', `No TLS connection: ${sight.problem}.`);
    return { checks };
  }
  note('connection', 'ok', 'The router takes TLS connections.');
  const certificate = { ...sight };
  if (!noteCertificate(note, sight, tested.pin)) return { checks, certificate };
  if (!(await noteKey(note, tested))) return { checks, certificate };
  const version = await noteVersion(note, tested);
  if (version === undefined) return { checks, certificate };
  await noteRights(note, tested);
  const config = await readConfig(note, tested);
  if (config === undefined) return { checks, certificate, version };
  const place = notePlace(note, config, tested.wishes);
  noteDynamicRanges(note, config);
  const commitConfirm = confirmsCommits(version, config);
  noteCommitConfirm(note, commitConfirm);
  return { checks, certificate, version, ...(place === undefined ? {} : { profile: { ...place, commitConfirm } }) };
}

type Note = (name: CheckName, result: RouterCheck['result'], message: string) => boolean;

function noteCertificate(note: Note, sight: Exclude<CertificateSight, { problem: string }>, pin: string): boolean {
  const { fingerprint, distrust, expiresAt } = sight;
  if (pin !== '' && pin !== fingerprint) {
    return note(
      'certificate',
      'failed',
      `It is not the pinned certificate: its SHA-256 fingerprint is ${fingerprint}.`,
    );
  }
  if (pin === '' && distrust !== '') {
    return note(
      'certificate',
      'failed',
      `No known authority vouches for it (${distrust}). Give ca_pem, or pin it if it is the router's: its SHA-256 fingerprint is ${fingerprint}.`,
    );
  }
  const day = expiresAt.toISOString().slice(0, 10);
  if (expiresAt.getTime() - Date.now() < soonMs)
    return note('certificate', 'warning', `It is valid until ${day} only.`);
  return note('certificate', 'ok', `It is ${pin === '' ? 'trusted' : 'the pinned one'}, and valid until ${day}.`);
}

async function noteKey(note: Note, { router, call }: TestedRouter): Promise<boolean> {
  const { outcome } = await router.exists(['service', 'https'], call);
  if (outcome.kind === 'forbidden')
    return note('key', 'failed', `The router does not take the API key: ${outcome.text}`);
  if (outcome.kind === 'away') return note('key', 'failed', `The API did not answer: ${outcome.text}`);
  return note('key', 'ok', 'The router takes the API key.');
}

/** Undefined when it is not one that Berth can work. */
async function noteVersion(note: Note, { router, call }: TestedRouter): Promise<string | undefined> {
  const version = await router.version(call);
  if (version === undefined) {
    note('version', 'failed', 'The router does not tell which version it runs.');
    return undefined;
  }
  const known = dialectFor(version) !== undefined;
  const text = `The router runs VyOS ${version}${known ? '' : ', which this version of Berth does not know'}.`;
  return note('version', known ? 'ok' : 'failed', text) ? version : undefined;
}

/** A commit of nothing needs the same rights as any other. */
async function noteRights(note: Note, { router, call }: TestedRouter): Promise<void> {
  const { outcome } = await router.emptyConfigure(call);
  if (outcome.kind === 'applied') note('rights', 'ok', 'The key may change the configuration.');
  else if (outcome.kind === 'try_later') note('rights', 'warning', `Somebody else holds the lock: ${outcome.text}`);
  else note('rights', 'failed', `An empty change was not taken: ${outcome.text}`);
}

async function readConfig(note: Note, { router, call }: TestedRouter): Promise<ConfigTree | undefined> {
  const { outcome } = await router.showConfig([], call);
  if (outcome.kind === 'value' && isTree(outcome.data)) return outcome.data;
  const why = 'text' in outcome ? outcome.text : `it answered ${outcome.kind}`;
  note('wan_interface', 'failed', `The configuration cannot be read: ${why}`);
  return undefined;
}

const isTree = (data: unknown): data is ConfigTree => typeof data === 'object' && data !== null && !Array.isArray(data);

/** Each part by itself, so that all that is open is told at once. */
function notePlace(
  note: Note,
  config: ConfigTree,
  wishes: ProfileWishes,
): Omit<RouterProfile, 'commitConfirm'> | undefined {
  const wan = attempt(note, 'wan_interface', () => {
    const found = wanInterface(config, wishes.wanInterface || undefined);
    return { found, message: `Forwards come in on ${found.name}.` };
  });
  if (wan !== undefined) {
    attempt(note, 'external_ip', () => {
      const found = externalIp(config, wan, wishes.externalIp || undefined);
      return { found, message: `Forwards are on ${found}.` };
    });
  }
  attempt(note, 'dhcp_subnet', () => {
    const found = dhcpPlace(config, wishes);
    return { found, message: `Mappings go into ${found.dhcpNetwork} ${found.dhcpSubnet}.` };
  });
  try {
    return { ...detectPlace(config, wishes), ...networksIn(config) };
  } catch (error) {
    if (isKind(error, 'invalid')) return undefined; // told above
    throw error;
  }
}

function attempt<T>(note: Note, name: CheckName, find: () => { found: T; message: string }): T | undefined {
  try {
    const { found, message } = find();
    note(name, 'ok', message);
    return found;
  } catch (error) {
    if (!isKind(error, 'invalid')) throw error;
    note(name, 'failed', forPeople(error.message));
    return undefined;
  }
}

function noteDynamicRanges(note: Note, config: ConfigTree): void {
  const ranges = foreignHoldings(config, new Set()).filter(({ kind }) => kind === 'dynamic_range');
  const list = ranges.map(({ value, lastValue }) => `${value}-${lastValue}`).join(', ');
  if (ranges.length === 0) note('dynamic_ranges', 'ok', 'The router gives out no addresses by itself.');
  else note('dynamic_ranges', 'ok', `The router gives out ${list} by itself; VMs get none of these.`);
}

/** Whether it could, whatever Berth's settings say of it. */
function confirmsCommits(version: string, config: ConfigTree): CommitConfirm {
  const dialect = dialectFor(version);
  if (dialect === undefined) throw new Error(`the version ${version} was accepted and is not known`);
  return commitConfirmOf(config, dialect, { minutes: 1 });
}

function noteCommitConfirm(note: Note, { state, reason }: CommitConfirm): void {
  if (state === 'active') note('commit_confirm', 'ok', 'A commit that is not confirmed is taken back by the router.');
  else note('commit_confirm', 'warning', reason);
}
