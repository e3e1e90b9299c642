import { isEmail } from '../accounts/user-name.ts';

/** A user at an identity provider, linked with a user here. */
export interface Identity {
  readonly id: string;
  readonly provider: string;
  /** What the provider calls the user for ever. */
  readonly subject: string;
  readonly userId: string;
  /** By which people recognise it. */
  readonly label: string;
  readonly createdAt: Date;
  readonly lastUsedAt: Date | null;
}

/** What a provider says of who signed in there. */
export interface ProviderProfile {
  readonly subject: string;
  /** Logins and names, the best first. */
  readonly names: readonly string[];
  /** Only one that the provider says is verified. */
  readonly verifiedEmail: string | null;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** A profile from claims as OpenID providers and plain OAuth 2 services name them; undefined without a subject. */
export function profileOf(claims: Readonly<Record<string, unknown>>): ProviderProfile | undefined {
  const subject = subjectText(claims['sub'] ?? claims['id']);
  if (subject === undefined) return undefined;
  const { email, email_verified: verified } = claims;
  const isVerified = verified === true || verified === 'true';
  const isAddress = typeof email === 'string' && isEmail(email);
  const names = ['preferred_username', 'login', 'username', 'nickname', 'name'].map((claim) => claims[claim]);
  return {
    subject,
    names: names.filter((name) => typeof name === 'string' && name !== '').map(String),
    verifiedEmail: isVerified && isAddress ? email : null,
    claims,
  };
}

/** GitHub's ids are numbers. No id of anybody holds a control character, and Postgres takes no U+0000. */
function subjectText(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  return typeof value === 'string' && /^\P{Cc}{1,255}$/u.test(value) ? value : undefined;
}

/** By which people recognise an identity. */
export const labelOf = ({ names, verifiedEmail, subject }: ProviderProfile): string =>
  (verifiedEmail ?? names[0] ?? subject).replaceAll(/\p{C}/gu, '').slice(0, 200);

/** The domain of an address, in lower case. */
export const domainOf = (email: string): string => email.slice(email.lastIndexOf('@') + 1).toLowerCase();

const longestName = 30;

/** User names to try, the best first; `unlikely` makes the last one free. */
export function nameCandidates({ names, verifiedEmail }: ProviderProfile, unlikely: string): readonly string[] {
  const local = verifiedEmail?.slice(0, verifiedEmail.lastIndexOf('@')) ?? '';
  const bases = [...names, local].map(nameFrom).filter((name) => name.length >= 3);
  const [base = 'user'] = bases;
  const counted = Array.from({ length: 8 }, (_, index) => `${base}-${index + 2}`);
  return [...new Set([base, ...bases, ...counted, `${base}-${unlikely}`])];
}

/** Letters, digits and hyphens, a letter first. */
const nameFrom = (text: string): string =>
  text
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^[^a-z]+|-+$/g, '')
    .slice(0, longestName)
    .replace(/-+$/, '');
