import { isPermissionText } from '@berth/contracts';
import type { FieldError } from '@berth/errors';
import { faultsOfEmail } from '../accounts/user-name.ts';
import type { Limit } from '../limits/limit.ts';

/** What may be said of users and groups when they are made or changed; what is absent is not checked. */
export interface AccessTerms {
  readonly name?: string | undefined;
  readonly email?: string | null | undefined;
  readonly description?: string | undefined;
  readonly permissions?: readonly string[] | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly accessTokenSeconds?: number | null | undefined;
  readonly refreshTokenSeconds?: number | null | undefined;
  readonly limits?: readonly Limit[] | undefined;
}

const groupName = /^[a-z0-9][a-z0-9-]{0,39}$/;
const endpointGroup = /^([a-z0-9][a-z0-9-]{0,39})?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const controlCharacter = /[\u0000-\u001f\u007f]/;

const shortestTokenSeconds = 60;
/** Ten years; whoever wants more says 0, which is for ever. */
const longestTokenSeconds = 315_360_000;
const mostEntries = 50;
const mostLimits = 50;
const mostRequests = 1_000_000_000_000;
const longestText = 500;

/** What is wrong with the name of a group. */
export const groupNameErrors = (name: string): FieldError[] =>
  groupName.test(name)
    ? []
    : [{ field: 'name', message: 'must be 1 to 40 lower case letters, digits and -, and not begin with -' }];

/** What is wrong with a text for people. */
export function textErrors(field: string, text: string): FieldError[] {
  if (text.length > longestText) return [{ field, message: `must have at most ${longestText} characters` }];
  if (controlCharacter.test(text)) return [{ field, message: 'must not hold control characters' }];
  return [];
}

/** What is wrong with all that users and groups have in common. Names are checked by themselves. */
export const termErrors = (terms: AccessTerms): FieldError[] => [
  ...(typeof terms.email === 'string' ? faultsOfEmail(terms.email) : []),
  ...textErrors('description', terms.description ?? ''),
  ...(terms.permissions ?? []).flatMap(permissionErrors),
  ...tooMany('permissions', terms.permissions, mostEntries),
  ...tooMany('groups', terms.groups, mostEntries),
  ...lifetimeErrors('access_token_seconds', terms.accessTokenSeconds),
  ...lifetimeErrors('refresh_token_seconds', terms.refreshTokenSeconds),
  ...limitErrors(terms.limits ?? []),
];

const tooMany = (field: string, list: readonly unknown[] | undefined, most: number): FieldError[] =>
  (list?.length ?? 0) > most ? [{ field, message: `must be at most ${most}` }] : [];

const permissionErrors = (text: string, index: number): FieldError[] =>
  isPermissionText(text)
    ? []
    : [{ field: `permissions[${index}]`, message: 'must be a permission such as vms:write, vms:* or *' }];

function lifetimeErrors(field: string, seconds: number | null | undefined): FieldError[] {
  if (seconds === undefined || seconds === null || seconds === 0) return [];
  if (Number.isInteger(seconds) && seconds >= shortestTokenSeconds && seconds <= longestTokenSeconds) return [];
  return [{ field, message: `must be 0 (for ever) or between ${shortestTokenSeconds} and ${longestTokenSeconds}` }];
}

function limitErrors(limits: readonly Limit[]): FieldError[] {
  const seen = new Set<string>();
  return [
    ...tooMany('limits', limits, mostLimits),
    ...limits.flatMap((limit, index) => {
      const of = `${limit.endpointGroup}/${limit.windowSeconds}`;
      const complaint = seen.has(of) ? 'says again what another one says' : limitError(limit);
      seen.add(of);
      return complaint === undefined ? [] : [{ field: `limits[${index}]`, message: complaint }];
    }),
  ];
}

function limitError({ endpointGroup: group, windowSeconds, requests }: Limit): string | undefined {
  if (!endpointGroup.test(group)) return 'must name an endpoint group, or be for all of them';
  if (![60, 3_600, 86_400].includes(windowSeconds)) return 'must be about 60, 3600 or 86400 seconds';
  if (!Number.isInteger(requests) || requests < 0 || requests > mostRequests) return 'must say how many requests';
  return undefined;
}
