import type { FieldError } from '@berth/errors';

/** The fields of a profile, and how long each may be. */
const longest = {
  display_name: 100,
  company: 100,
  location: 100,
  website: 200,
  about: 2_000,
  locale: 35,
  timezone: 64,
} as const;
type ProfileField = keyof typeof longest;

/** What a user may let others see: fields of the profile, and the address. */
const showable: readonly string[] = [...Object.keys(longest), 'email'];

const isField = (name: string): name is ProfileField => Object.hasOwn(longest, name);

/** Everything that is wrong with these fields. An empty value takes a field away, so it is never wrong. */
export const faultsOfProfile = (profile: Readonly<Record<string, string>>): readonly FieldError[] =>
  Object.entries(profile).flatMap(([name, value]) => {
    const message = isField(name) ? faultOf(name, value) : 'is not a field of a profile';
    return message === undefined ? [] : [{ field: `profile.${name}`, message }];
  });

/** What is wrong with a choice of fields for others to see. */
export const faultsOfShown = (names: readonly string[]): readonly FieldError[] =>
  names.flatMap((name, index) =>
    showable.includes(name)
      ? []
      : [{ field: `public_fields[${index}]`, message: `must be one of ${showable.join(', ')}` }],
  );

/** `profile` with these fields set, or taken away where they are empty. */
export const withFields = (
  profile: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries({ ...profile, ...changes }).filter(([, value]) => value !== ''));

function faultOf(field: ProfileField, value: string): string | undefined {
  if (value.length > longest[field]) return `must have at most ${longest[field]} characters`;
  // Line breaks are for texts; elsewhere they would only be somebody's trick.
  const forbidden = field === 'about' ? /[^\P{Cc}\n\r\t]/u : /\p{Cc}/u;
  if (forbidden.test(value)) return 'must not hold control characters';
  if (value === '') return undefined;
  if (field === 'website' && !isWebAddress(value)) return 'must be a URL that begins with http:// or https://';
  if (field === 'locale' && !isLocale(value)) return 'must be a language tag such as en-GB';
  if (field === 'timezone' && !isTimezone(value)) return 'must be a time zone such as Europe/Vienna';
  return undefined;
}

const isWebAddress = (value: string): boolean =>
  URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol) && new URL(value).username === '';

const isLocale = (value: string): boolean => passes(() => Intl.getCanonicalLocales(value));
const isTimezone = (value: string): boolean => passes(() => new Intl.DateTimeFormat('en', { timeZone: value }));

function passes(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
