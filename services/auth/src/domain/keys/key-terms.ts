import { DomainError, type FieldError } from '@berth/errors';
import { mostNetworks, networkOf } from './allowed-networks.ts';
import type { KeyTerms } from './api-key.ts';
import { wrongPermissions } from './key-scope.ts';

const longestName = 100;
const longestDescription = 1_000;
/** Thirty days: an overlap is for moving clients over, not for living with two secrets. */
const longestOverlapSeconds = 30 * 86_400;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const controlCharacter = /[\u0000-\u001f\u007f]/;

/** Refuses terms that no key may have, naming every wrong field at once. */
export function checkTerms(terms: Partial<KeyTerms>, now: Date): void {
  const fields: FieldError[] = [];
  const text = (field: string, value: string | undefined, longest: number) => {
    if (value === undefined) return;
    if (value.length > longest) fields.push({ field, message: `must have at most ${longest} characters` });
    if (controlCharacter.test(value)) fields.push({ field, message: 'must not hold control characters' });
  };
  text('name', terms.name, longestName);
  text('description', terms.description, longestDescription);
  if (terms.expiresAt !== undefined && !(terms.expiresAt > now)) {
    fields.push({ field: 'expires_at', message: 'must lie in the future' });
  }
  fields.push(...scopeFaults(terms), ...networkFaults(terms.allowedNetworks ?? []));
  if (fields.length > 0) throw invalidApiKey(fields);
}

/** `terms` with its networks in the form that is kept, each once. Call it when they are checked. */
export const withKeptNetworks = <T extends Partial<KeyTerms>>(terms: T): T =>
  terms.allowedNetworks === undefined
    ? terms
    : { ...terms, allowedNetworks: [...new Set(terms.allowedNetworks.flatMap((text) => networkOf(text) ?? []))] };

function scopeFaults({ permission, permissions = [] }: Partial<KeyTerms>): FieldError[] {
  const faults = wrongPermissions(permissions).map((text) => ({
    field: 'permissions',
    message: `has no permission ${text.slice(0, 50)}`,
  }));
  if (permission === 'custom' && permissions.length === 0) {
    faults.push({ field: 'permissions', message: 'must list at least one permission' });
  }
  if (permission !== 'custom' && permissions.length > 0) {
    faults.push({ field: 'permission', message: 'must be custom, or absent, where permissions are listed' });
  }
  return faults;
}

function networkFaults(networks: readonly string[]): FieldError[] {
  const field = 'allowed_networks';
  if (networks.length > mostNetworks) return [{ field, message: `must have at most ${mostNetworks} networks` }];
  const wrong = networks.filter((text) => networkOf(text) === undefined);
  return wrong.map((text) => ({ field, message: `${text.slice(0, 50)} is no network: write 192.0.2.0/24` }));
}

/** Refuses an overlap that is longer than a month. */
export function checkOverlap(seconds: number): void {
  if (seconds <= longestOverlapSeconds) return;
  throw invalidApiKey([{ field: 'overlap_seconds', message: `must be at most ${longestOverlapSeconds}` }]);
}

export const invalidApiKey = (fields: readonly FieldError[]): DomainError =>
  new DomainError('invalid', 'API_KEY_INPUT_INVALID', 'The API key cannot be made like this.', { fields });
