import { DomainError } from '@berth/errors';

/** What may be asked of whom: a resource and a verb on it. The list is closed, so a misspelt one neither compiles nor can be stored. */
export const permissionVerbs = [
  'vms:read',
  'vms:write',
  'pools:read',
  'pools:write',
  'operations:read',
  'routers:read',
  'routers:admin',
  'api-keys:admin',
  'users:read',
  'users:admin',
  'groups:admin',
  'identity-providers:admin',
  'signing-keys:admin',
  'limits:admin',
  'audit:read',
  'mails:admin',
] as const;
export type PermissionVerb = (typeof permissionVerbs)[number];

/**
 * Verbs on what belongs to no group, such as routers' settings and users: held within a group alone they permit nothing. (`routers:read` is not
 * among them: within a group it explains the lines of the group's VMs.)
 */
const groupless: ReadonlySet<PermissionVerb> = new Set([
  'routers:admin',
  'api-keys:admin',
  'users:read',
  'users:admin',
  'groups:admin',
  'identity-providers:admin',
  'signing-keys:admin',
  'limits:admin',
  'audit:read',
  'mails:admin',
]);

const viewer = ['vms:read', 'pools:read', 'operations:read', 'routers:read'] as const;

/** What each permission level of an API key, and each built-in group of that name, holds. `*` is everything, also what is added later. */
export const permissionsOf = {
  viewer,
  operator: [...viewer, 'vms:write'],
  admin: ['*'],
} as const satisfies Record<string, readonly (PermissionVerb | '*')[]>;

/** The levels that an API key can have. */
export type PermissionLevel = keyof typeof permissionsOf;

/** Permissions on the things of one group; of all groups when `group` is empty. */
export interface Grant {
  readonly group: string;
  readonly permissions: readonly string[];
}

/** Who asks, as far as permissions go: `permissions` on the things of `group` (empty or absent: of all), and further grants. */
export interface Permitted {
  readonly permissions: readonly string[];
  readonly group?: string;
  readonly grants?: readonly Grant[];
}

/** Whether a text is a permission that can be given: `vms:write`, `vms:*` or `*`. */
export const isPermissionText = (text: string): boolean =>
  text === '*' || permissionVerbs.some((verb) => verb === text || wholeResource(verb) === text);

/** Whether `principal` may do `verb` with anything at all. Nothing is permitted by default. */
export const permits = (principal: Permitted, verb: PermissionVerb): boolean => permitting(principal, verb).length > 0;

/** Whether `principal` may do `verb` with the things of `group`; empty: of nobody's group, or everybody's. */
export const permitsFor = (principal: Permitted, verb: PermissionVerb, group: string): boolean =>
  permitting(principal, verb).some((grant) => grant.group === '' || grant.group === group);

/** Whether `principal` may do `verb` with the things of all groups, and with what belongs to no group, such as routers. */
export const permitsEverywhere = (principal: Permitted, verb: PermissionVerb): boolean =>
  permitsFor(principal, verb, '');

/** The groups with whose things `principal` may do `verb`; `all` when it does not matter whose they are. */
export function groupsWhere(principal: Permitted, verb: PermissionVerb): 'all' | readonly string[] {
  if (permitsEverywhere(principal, verb)) return 'all';
  return [...new Set(permitting(principal, verb).map(({ group }) => group))];
}

/** The group that owns what `principal` makes where it names none; empty: nobody's. */
export const homeGroupOf = ({ group = '' }: Permitted): string => group;

/** A thing as far as permissions go, and what somebody wants to do with it. */
export interface Asked {
  /** The group that owns the thing; empty: nobody's. */
  readonly group: string;
  readonly verb: PermissionVerb;
  /** The verb that shows the thing. */
  readonly reading: PermissionVerb;
  /** The asker made it, and so knows of it whatever its group. */
  readonly isOwn?: boolean;
}

/**
 * What becomes of a wish about a thing: it is `permitted`, or `forbidden` to somebody who may know of the thing (403), or the thing is
 * `hidden`, as if there were none (404).
 */
export function standing(principal: Permitted, asked: Asked): 'permitted' | 'forbidden' | 'hidden' {
  if (permitsFor(principal, asked.verb, asked.group)) return 'permitted';
  const shown = asked.isOwn === true || permitsFor(principal, asked.reading, asked.group);
  if (!shown) return 'hidden';
  return asked.verb === asked.reading ? 'permitted' : 'forbidden';
}

/** The same for a thing that is for several groups, such as a pool: to see it one of them is enough, to do anything else all are needed. */
export function standingAmong(
  principal: Permitted,
  { groups, verb, reading }: Pick<Asked, 'verb' | 'reading'> & { readonly groups: readonly string[] },
): 'permitted' | 'forbidden' | 'hidden' {
  if (verb !== reading && permitsForAll(principal, verb, groups)) return 'permitted';
  const isForAll = groups.length === 0 && permits(principal, reading);
  const shown = isForAll || ['', ...groups].some((group) => permitsFor(principal, reading, group));
  if (!shown) return 'hidden';
  return verb === reading ? 'permitted' : 'forbidden';
}

/** Whether `principal` may do `verb` with what is for these groups together; for none named: for everybody. */
export const permitsForAll = (principal: Permitted, verb: PermissionVerb, groups: readonly string[]): boolean =>
  permitsEverywhere(principal, verb) ||
  (groups.length > 0 && groups.every((group) => permitsFor(principal, verb, group)));

/** Whether the same asker made something: with the same key or as the same user, whichever of the user's keys it was. */
export const isMaker = (
  asker: { readonly id: string; readonly userId?: string },
  made: { readonly principalId: string; readonly userId: string },
): boolean =>
  (made.principalId !== '' && asker.id === made.principalId) || (made.userId !== '' && asker.userId === made.userId);

/** The error of a wish whose thing its asker may see, and no more. */
export const notForYou = (verb: PermissionVerb, group: string): DomainError =>
  denied(verb, `This needs the permission ${verb} ${group === '' ? 'for all groups' : `for the group "${group}"`}.`);

/** Refuses a command whose principal is missing (`unauthenticated`) or may not do `verb` with anything (`forbidden`). */
export function requirePermission(principal: Permitted | undefined, verb: PermissionVerb): void {
  if (permits(present(principal), verb)) return;
  const where = groupless.has(verb) ? ' for all groups, not only within one' : '';
  throw denied(verb, `This needs the permission ${verb}${where}.`);
}

/** The same for what belongs to no group, such as routers and users: a permission within a group is not enough. */
export function requireEverywhere(principal: Permitted | undefined, verb: PermissionVerb): void {
  requirePermission(principal, verb);
  if (permitsEverywhere(present(principal), verb)) return;
  throw denied(verb, `This needs the permission ${verb} for all groups, not only within one.`);
}

/** A group as far as permissions go. */
export interface GroupPolicy {
  readonly name: string;
  readonly permissions: readonly string[];
  /** Its members may do it with the things of all groups, not only with the group's own. */
  readonly everywhere: boolean;
}

/**
 * What the member of these groups may do. The first is the home group, which owns what the member makes, also where another group's
 * permissions reach everywhere.
 */
export function grantsOf(groups: readonly GroupPolicy[]): Required<Permitted> {
  const owning = groups.filter(({ everywhere }) => !everywhere);
  const everywhere = [...new Set(groups.filter((group) => group.everywhere).flatMap((group) => group.permissions))];
  const [home, ...others] = owning;
  if (home === undefined) return { permissions: everywhere, group: '', grants: [] };
  return {
    permissions: home.permissions,
    group: home.name,
    grants: [
      ...others.map(({ name, permissions }) => ({ group: name, permissions })),
      ...(everywhere.length === 0 ? [] : [{ group: '', permissions: everywhere }]),
    ],
  };
}

/** What is left of `owner`'s rights when only `permissions` may be used, and only within `group` unless that is undefined. */
export function narrowed(
  owner: Permitted,
  { permissions, group }: { readonly permissions: readonly string[]; readonly group?: string | undefined },
): Required<Permitted> {
  const both = allGrants(owner)
    .map((grant) => ({ group: grant.group, permissions: common(grant.permissions, permissions) }))
    .filter((grant) => group === undefined || grant.group === '' || grant.group === group)
    .map((grant) => (group === undefined ? grant : { ...grant, group }));
  const [first = { group: group ?? owner.group ?? '', permissions: [] }, ...grants] = both;
  return { ...first, grants };
}

const allGrants = ({ permissions, group = '', grants = [] }: Permitted): readonly Grant[] => [
  { group, permissions },
  ...grants,
];

/** The grants by which `principal` may do `verb`. */
const permitting = (principal: Permitted, verb: PermissionVerb): readonly Grant[] =>
  allGrants(principal).filter((grant) => (grant.group === '' || !groupless.has(verb)) && holds(grant, verb));

const wholeResource = (verb: string): string => `${verb.slice(0, verb.indexOf(':'))}:*`;

const covers = (held: string, verb: string): boolean => held === '*' || held === verb || held === wholeResource(verb);

const holds = ({ permissions }: Grant, verb: PermissionVerb): boolean => permissions.some((held) => covers(held, verb));

/** `*` and `vms:*` cover more than verbs that exist today: what both sides cover as a whole stays whole. */
const common = (one: readonly string[], other: readonly string[]): readonly string[] => [
  ...new Set([
    ...one.filter((held) => other.some((wide) => wide === held || covers(wide, held))),
    ...other.filter((held) => one.some((wide) => wide === held || covers(wide, held))),
  ]),
];

function present(principal: Permitted | undefined): Permitted {
  if (principal !== undefined) return principal;
  throw new DomainError('unauthenticated', 'PRINCIPAL_MISSING', 'The command does not say who asks.');
}

const denied = (verb: PermissionVerb, message: string): DomainError =>
  new DomainError('forbidden', 'PERMISSION_DENIED', message, { verb });
