/** Who may reach a route: anybody, users who have signed in, or whoever has its permission. */
export type RouteAccess = 'open' | 'user' | 'permission';

/** Who tells the audit log of a write: the gateway that was asked, or the service that makes the change, in the transaction of it. */
export type AuditWriter = 'gateway' | 'auth' | 'allocator' | 'driver';

/** What holds for all routes of a group. A route belongs to the group of its OpenAPI tag. */
export interface EndpointGroup {
  /** Its tag in lower case, with hyphens, where it has one. */
  readonly name: string;
  /** The tag of its routes; empty: its routes are not in the OpenAPI document and name the group themselves. */
  readonly tag: string;
  /** Its routes are of these kinds and no other; a route that is not stops the start. */
  readonly access: readonly RouteAccess[];
  /** `guarded`: each address has few, because strangers try passwords and tokens there. `free`: neither rates nor quotas. */
  readonly rate: 'standard' | 'guarded' | 'free';
  /** Which of its requests count for rates and quotas. */
  readonly counts: 'all' | 'writes' | 'none';
  /** Of its writes, unless a route says otherwise. What came to nothing is told from the gateway in any case. */
  readonly audit: AuditWriter;
  /** Cache-Control of answers that say nothing else. */
  readonly cache: string;
}

const notKept = 'no-store';
const standard = { access: ['permission'], rate: 'standard', counts: 'all', audit: 'gateway', cache: notKept } as const;
const ofAuth = { ...standard, audit: 'auth' } as const;
const free = { access: ['open'], rate: 'free', counts: 'none', audit: 'gateway', cache: notKept } as const;

/** Every group. */
export const endpointGroups: readonly EndpointGroup[] = [
  { ...free, name: 'health', tag: 'Health' },
  { ...free, name: 'documents', tag: '', cache: 'private, no-cache' },
  { ...free, name: 'public-keys', tag: 'Public keys', cache: 'public, max-age=60' },
  { ...ofAuth, name: 'sign-in', tag: 'Sign-in', access: ['open', 'user'], rate: 'guarded' },
  { ...ofAuth, name: 'account', tag: 'Account', access: ['user', 'permission'] },
  { ...standard, name: 'vms', tag: 'VMs' },
  { ...standard, name: 'forwards', tag: 'Forwards' },
  { ...standard, name: 'ports', tag: 'Ports' },
  { ...standard, name: 'pools', tag: 'Pools', audit: 'allocator' },
  { ...standard, name: 'bulks', tag: 'Bulks' },
  { ...standard, name: 'plans', tag: 'Plans' },
  { ...standard, name: 'routers', tag: 'Routers' },
  { ...standard, name: 'drift', tag: 'Drift' },
  { ...standard, name: 'history', tag: 'History' },
  { ...standard, name: 'operations', tag: 'Operations', counts: 'writes' },
  { ...ofAuth, name: 'api-keys', tag: 'API keys', access: ['permission', 'user'] },
  { ...ofAuth, name: 'users', tag: 'Users' },
  { ...ofAuth, name: 'groups', tag: 'Groups' },
  { ...ofAuth, name: 'identity-providers', tag: 'Identity providers', access: ['permission', 'open', 'user'] },
  { ...ofAuth, name: 'signing-keys', tag: 'Signing keys' },
  { ...ofAuth, name: 'audit-log', tag: 'Audit log' },
  { ...ofAuth, name: 'mails', tag: 'Mails' },
  // Nothing: whoever set a limit too low must be able to lift it.
  { ...ofAuth, name: 'limits', tag: 'Limits', access: ['permission', 'user'], counts: 'none' },
];

/** What is not in the table: addresses that are no route, and methods that an address does not take. */
export const elsewhere: EndpointGroup = { ...free, name: 'elsewhere', tag: '', rate: 'standard', counts: 'all' };

const byTag = new Map(endpointGroups.filter(({ tag }) => tag !== '').map((group) => [group.tag, group]));
const byName = new Map(endpointGroups.map((group) => [group.name, group]));

/** The group of a route with these tags, or the one that it names itself; undefined: none. */
export const endpointGroupOf = (route: {
  readonly tags?: readonly string[] | undefined;
  readonly named?: string | undefined;
}): EndpointGroup | undefined =>
  route.named === undefined ? byTag.get(route.tags?.[0] ?? '') : byName.get(route.named);

/** Why a limit of `subject` on this group would never hold; undefined: it would. An empty name is all groups together. */
export function neverLimited(name: string, subject: string): string | undefined {
  if (name === '') return undefined;
  const group = byName.get(name);
  if (group === undefined) return 'is no endpoint group';
  if (group.counts === 'none') return 'is an endpoint group whose requests never count';
  return group.rate === 'guarded' && subject !== 'address'
    ? 'is an endpoint group whose requests count for addresses alone'
    : undefined;
}

/** Whether a request of this method counts. */
export const counts = (group: EndpointGroup, method: string): boolean =>
  group.counts === 'all' || (group.counts === 'writes' && method !== 'GET' && method !== 'HEAD');
