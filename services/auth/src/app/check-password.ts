import type { FieldError } from '@berth/errors';

const shortest = 10;
const longest = 256;

/** What is wrong with a new password. */
export function checkPassword(
  text: string,
  { name, email }: { readonly name: string; readonly email: string | null },
): FieldError[] {
  const wrong = (message: string) => [{ field: 'password', message }];
  if (text.length < shortest) return wrong(`must have at least ${shortest} characters`);
  if (text.length > longest) return wrong(`must have at most ${longest} characters`);
  const known = [name, email ?? ''].map((one) => one.toLowerCase());
  return known.includes(text.toLowerCase()) ? wrong('must not be the name or the e-mail address') : [];
}
