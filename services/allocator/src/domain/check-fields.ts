import { DomainError, type FieldError } from '@berth/errors';
import { parseIpv4, parsePrefix } from './ipv4.ts';
import { isForwardName, isRouterText } from './text-rules.ts';

/** Says that a field is wrong, and why. */
export type Complain = (field: string, message: string) => void;

/** A request of which these fields are wrong. */
export const invalid = (fields: readonly FieldError[]): DomainError =>
  new DomainError('invalid', 'INVALID_REQUEST', fields.map(({ field, message }) => `${field}: ${message}`).join('; '), {
    fields,
  });

/** Runs all of `checks`, and throws when any of them complained. */
export function checkAll(checks: (complain: Complain) => void): void {
  const fields: FieldError[] = [];
  checks((field, message) => void fields.push({ field, message }));
  if (fields.length > 0) throw invalid(fields);
}

const maxSources = 16;

const isSource = (text: string): boolean => parseIpv4(text) !== undefined || parsePrefix(text) !== undefined;

export function checkSources(sources: readonly string[], at: string, complain: Complain): void {
  if (sources.length > maxSources) complain(`${at}.sources`, `at most ${maxSources}`);
  for (const [index, source] of sources.entries()) {
    const field = sources.length === 1 ? `${at}.source` : `${at}.sources[${index}]`;
    if (!isSource(source)) complain(field, 'must be an IPv4 address or network, without host bits');
    else if (sources.indexOf(source) < index) complain(field, 'is there twice');
  }
}

export function checkForwardName(name: string, field: string, complain: Complain): void {
  if (!isForwardName(name)) complain(field, 'letters, digits, dots, dashes and underscores, at most 63');
}

export function checkDescription(text: string, at: string, complain: Complain): void {
  if (isRouterText(text)) return;
  complain(`${at}.description`, 'at most 255 characters, no quotes, no control characters, no leading blank');
}

export const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65_535;

/** Postgres keeps no NUL in text, not even inside JSON. */
export function holdsNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\u0000');
  if (typeof value !== 'object' || value === null) return false;
  return Object.entries(value).some(([key, inner]) => holdsNul(key) || holdsNul(inner));
}
