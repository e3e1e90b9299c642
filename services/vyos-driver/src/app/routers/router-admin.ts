import type { AuditAuthor } from '@berth/contracts';
import { DomainError, type FieldError } from '@berth/errors';
import {
  keyProblems,
  nameProblems,
  normalFingerprint,
  problemsOf,
  type RouterTerms,
  sameDevice,
  sameTerms,
} from '../../domain/routers/router-settings.ts';
import { routerUnknown } from '../../domain/routers/router-unknown.ts';
import type { KeyVault } from './key-vault.ts';
import type {
  KeyUse,
  NewRegistration,
  RegisteredRouter,
  RegistryAnswer,
  RouterRegistry,
  RouterUse,
} from './router-registry.ts';

export interface RouterAdminDeps {
  readonly registry: RouterRegistry;
  readonly vault: KeyVault;
  /** Whether a text holds certificates in PEM form. */
  readonly isCertificate: (pem: string) => boolean;
  /** The router of this replica's environment, which is changed there alone. */
  readonly ownRouter: string;
  /** Tells every replica. */
  readonly announce: (router: string) => void;
}

/** What a command brings besides what it is about. */
export interface RouterCommand {
  readonly router: string;
  /** In whose name the audit log has it. */
  readonly author: AuditAuthor;
  readonly deadline: Date | undefined;
  /** 0: whatever it is. */
  readonly ifVersion: bigint;
  readonly key?: KeyUse | undefined;
}

/** A router that is to be added. */
export interface NewRouter {
  readonly terms: RouterTerms;
  readonly key: string;
  readonly enabled: boolean;
}

/** What is to be different; what is absent stays. */
export type RouterChanges = Partial<NewRouter['terms']> & { readonly key?: string; readonly enabled?: boolean };

/** Makes a router known to all replicas. The same again gives the same; another of that name is a conflict. */
export async function addRouter(
  deps: RouterAdminDeps,
  command: RouterCommand,
  asked: NewRouter,
): Promise<RegistryAnswer> {
  const { router } = command;
  const terms = normal(asked.terms);
  refuse([...nameProblems(router), ...problemsOf(terms, deps.isCertificate), ...keyProblems(asked.key)]);
  const sealed = {
    sealedKey: deps.vault.seal(asked.key, router, terms.keyId),
    keyFingerprint: deps.vault.fingerprint(asked.key),
  };
  const answer = await deps.registry.change(router, command, (known, { namedAlike }, others) => {
    if (known === undefined) {
      if (namedAlike !== '') throw nameTaken(`There is a router named ${namedAlike}: names differ in more than case.`);
      refuseKnown(others, terms);
      const added = { terms, ...sealed, fromSettings: false, enabled: asked.enabled, connectionChanged: false };
      return { kind: 'put', registration: added };
    }
    const same = known.enabled === asked.enabled && sameTerms(known.terms, terms) && isKey(deps, known, asked.key);
    if (same && !known.fromSettings) return { kind: 'keep' };
    throw nameTaken(`There is a router named ${router} already, with other settings.`);
  });
  deps.announce(router);
  return answer;
}

const nameTaken = (message: string): DomainError => new DomainError('conflict', 'ROUTER_NAME_TAKEN', message);

/** Changes what is given. Sessions with the old connection end once their request in flight has. */
export async function updateRouter(
  deps: RouterAdminDeps,
  command: RouterCommand,
  changes: RouterChanges,
): Promise<RegistryAnswer> {
  const { router, ifVersion } = command;
  const answer = await deps.registry.change(router, command, (known, _, others) => {
    const registered = existing(router, known, ifVersion);
    const changed = changedRegistration(deps, registered, changes);
    const moved = !leadsAsBefore(changed.terms, registered.terms);
    if (moved) refuseKnown(others, changed.terms);
    const idle = !changed.connectionChanged && changed.enabled === registered.enabled;
    return idle ? { kind: 'keep' } : { kind: 'put', registration: changed };
  });
  deps.announce(router);
  return answer;
}

const leadsAsBefore = (a: RouterTerms, b: RouterTerms): boolean =>
  a.host === b.host && a.port === b.port && a.fingerprint === b.fingerprint;

/** Two workers on one device would take each other's lines for somebody else's. */
function refuseKnown(others: readonly RegisteredRouter[], terms: RouterTerms): void {
  const known = others.find((one) => sameDevice(one.terms, terms));
  if (known === undefined) return;
  throw new DomainError('conflict', 'ROUTER_KNOWN_AS', knownAs(known.name), {
    resource: { type: 'router', name: known.name },
  });
}

export const knownAs = (name: string): string =>
  `This device is the router ${name} already: it has the same address or the same certificate.`;

/** Forgets a router on which nothing of ours is left. Changes that come later are rejected as ROUTER_UNKNOWN. */
export async function removeRouter(deps: RouterAdminDeps, command: RouterCommand): Promise<RegistryAnswer> {
  const { router, ifVersion } = command;
  const answer = await deps.registry.change(router, command, (known, use) => {
    const registered = existing(router, known, ifVersion);
    if (isOwn(deps, registered)) throw fromSettings(router);
    refuseUsed(router, use);
    return { kind: 'remove' };
  });
  deps.announce(router);
  return answer;
}

function existing(name: string, known: RegisteredRouter | undefined, ifVersion: bigint): RegisteredRouter {
  if (known === undefined) throw routerUnknown(name);
  if (ifVersion === 0n || ifVersion === known.revision) return known;
  throw new DomainError(
    'precondition_failed',
    'VERSION_MISMATCH',
    `It is version ${known.revision} now, not ${ifVersion}: read it again.`,
  );
}

function changedRegistration(
  deps: RouterAdminDeps,
  known: RegisteredRouter,
  { key, enabled = known.enabled, ...changes }: RouterChanges,
): NewRegistration {
  const terms = normal({ ...known.terms, ...changes });
  const newKey = key !== undefined && !isKey(deps, known, key);
  const { keyFingerprint, sealedKey, fromSettings: settings } = known;
  if (sameTerms(known.terms, terms) && !newKey) {
    return { terms, sealedKey, keyFingerprint, fromSettings: settings, enabled, connectionChanged: false };
  }
  if (isOwn(deps, known)) throw fromSettings(known.name);
  refuse([
    ...problemsOf(terms, deps.isCertificate),
    ...(key === undefined ? keyNotGiven(known.terms, terms) : keyProblems(key)),
  ]);
  const plain = key ?? storedKey(deps, known);
  return {
    terms,
    sealedKey: deps.vault.seal(plain, known.name, terms.keyId),
    keyFingerprint: newKey ? deps.vault.fingerprint(plain) : keyFingerprint,
    fromSettings: false,
    enabled,
    connectionChanged: true,
  };
}

/** The stored key is never sent to what may be another device: whoever says that it is there has to know the key. */
const keyNotGiven = (before: RouterTerms, after: RouterTerms): FieldError[] =>
  wherebyKnown.every((name) => before[name] === after[name])
    ? []
    : [{ field: 'key', message: 'must be given again when host, port, fingerprint or ca_pem changes' }];

/** Where a router is, and what proves that it is the one. */
const wherebyKnown = ['host', 'port', 'fingerprint', 'caPem'] as const;

const isOwn = ({ ownRouter }: RouterAdminDeps, { name, fromSettings: settings }: RegisteredRouter): boolean =>
  settings && name === ownRouter;

function storedKey({ vault }: RouterAdminDeps, { name, sealedKey, terms }: RegisteredRouter): string {
  if (sealedKey === undefined) throw invalid([{ field: 'key', message: 'is needed: none is stored' }]);
  return vault.open(sealedKey, name, terms.keyId);
}

/** One that cannot be read is another one: it is replaced. */
function isKey(deps: RouterAdminDeps, known: RegisteredRouter, key: string): boolean {
  if (known.sealedKey === undefined) return false;
  try {
    return storedKey(deps, known) === key;
  } catch (error) {
    if (error instanceof DomainError && error.code === 'ROUTER_KEY_UNREADABLE') return false;
    throw error;
  }
}

function refuseUsed(router: string, { vms, waitingChanges, unsettledBatches }: RouterUse): void {
  const counts = [
    ...(vms > 0 ? [`${vms} VMs`] : []),
    ...(waitingChanges > 0 ? [`${waitingChanges} changes that wait`] : []),
    ...(unsettledBatches > 0 ? ['a batch whose end is not known'] : []),
  ];
  if (counts.length === 0) return;
  throw new DomainError('conflict', 'ROUTER_IN_USE', `The router ${router} has ${counts.join(', ')}.`, {
    ...{ vms, waitingChanges, unsettledBatches },
  });
}

const fromSettings = (router: string): DomainError =>
  new DomainError(
    'conflict',
    'ROUTER_FROM_SETTINGS',
    `The router ${router} is that of the driver's settings (VYOS_IP …): its connection is changed there.`,
  );

const normal = (terms: RouterTerms): RouterTerms => ({ ...terms, fingerprint: normalFingerprint(terms.fingerprint) });

function refuse(fields: readonly FieldError[]): void {
  if (fields.length > 0) throw invalid(fields);
}

const invalid = (fields: readonly FieldError[]): DomainError =>
  new DomainError('invalid', 'INVALID_REQUEST', 'Some fields of the request are not valid; see errors.', { fields });
