import { type Fault, faultEndpoints, faultKinds } from '../domain/faults.ts';
import { instantRates, type LatencyRates, type LatencySettings, latencyPresets } from '../domain/latency.ts';
import { profileNames } from '../profile/profile.ts';
import type { PersonEdit } from '../router/person.ts';
import type { RebootOptions } from '../simulated-router.ts';

/** A request to the control interface that makes no sense; the text says why. */
export class BadControlRequest extends Error {
  override readonly name = 'BadControlRequest';
}

type Fields = Readonly<Record<string, unknown>>;

/** `POST /faults` */
export function parseFault(body: unknown): Fault {
  const fields = fieldsOf(body, ['kind', 'match', 'nth', 'times', 'text', 'endpoint', 'after_ms']);
  const kind = oneOf(fields, 'kind', faultKinds);
  if (kind === undefined) throw new BadControlRequest(`kind is required: ${faultKinds.join(', ')}`);
  return {
    kind,
    ...given('match', parseMatch(fields['match'])),
    ...given('nth', numberOf(fields, 'nth', 1)),
    ...given('times', numberOf(fields, 'times', 1)),
    ...given('text', textOf(fields, 'text')),
    ...given('endpoint', oneOf(fields, 'endpoint', faultEndpoints)),
    ...given('afterMs', numberOf(fields, 'after_ms', 0)),
  };
}

/** `POST /latency`. Single rates are named as in LatencyRates, in snake case: `nat_set_ms`. */
export function parseLatency(body: unknown): LatencySettings {
  const rateNames = new Map(
    rateKeys().map((key) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), key]),
  );
  const fields = fieldsOf(body, ['preset', 'scale', ...rateNames.keys()]);
  const presets = Object.keys(latencyPresets).filter((name) => name === 'instant' || name === 'calibrated');
  const rates: Partial<Record<keyof LatencyRates, number>> = {};
  for (const [name, key] of rateNames) {
    const value = numberOf(fields, name, 0);
    if (value !== undefined) rates[key] = value;
  }
  return {
    ...given('preset', oneOf(fields, 'preset', presets)),
    ...given('scale', numberOf(fields, 'scale', 0)),
    ...rates,
  };
}

function rateKeys(): (keyof LatencyRates)[] {
  const isRate = (key: string): key is keyof LatencyRates => Object.hasOwn(instantRates, key);
  return Object.keys(instantRates).filter(isRate);
}

/** `POST /person` */
export function parsePersonEdit(body: unknown): PersonEdit {
  const fields = fieldsOf(body, ['commands', 'save', 'hold_lock_ms']);
  const commands = fields['commands'] ?? [];
  if (!Array.isArray(commands)) throw new BadControlRequest('commands must be a list');
  if (fields['save'] !== undefined && typeof fields['save'] !== 'boolean')
    throw new BadControlRequest('save must be true or false');
  return {
    commands: commands.map(parseCommand),
    ...given('save', fields['save'] === true ? true : undefined),
    ...given('holdLockMs', numberOf(fields, 'hold_lock_ms', 0)),
  };
}

function parseCommand(command: unknown): PersonEdit['commands'][number] {
  if (typeof command === 'string') return command;
  const fields = fieldsOf(command, ['op', 'path', 'value']);
  const path = fields['path'];
  const op = textOf(fields, 'op');
  if (op === undefined || !isTexts(path))
    throw new BadControlRequest('a command is a "set …" line or {op, path, value?}');
  return { op, path, ...given('value', textOf(fields, 'value')) };
}

/** `POST /reboot` */
export function parseReboot(body: unknown): RebootOptions {
  const fields = fieldsOf(body ?? {}, ['down_ms', 'profile']);
  return {
    downMs: numberOf(fields, 'down_ms', 0) ?? 0,
    ...given('profile', oneOf(fields, 'profile', profileNames)),
  };
}

/** `POST /replace` */
export function parseReplace(body: unknown): { readonly downMs: number } {
  return { downMs: numberOf(fieldsOf(body ?? {}, ['down_ms']), 'down_ms', 0) ?? 0 };
}

function parseMatch(value: unknown): string | readonly string[] | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '') || isTexts(value)) return value;
  throw new BadControlRequest('match must be a path prefix (list of strings, or text with blanks) or a value');
}

function fieldsOf(body: unknown, known: readonly string[]): Fields {
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw new BadControlRequest('the body must be a JSON object');
  const fields: Fields = { ...body };
  const unknownField = Object.keys(fields).find((name) => !known.includes(name));
  if (unknownField !== undefined)
    throw new BadControlRequest(`unknown field "${unknownField}"; known: ${known.join(', ')}`);
  return fields;
}

function oneOf<T extends string>(fields: Fields, name: string, choices: readonly T[]): T | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  const choice = choices.find((one) => one === value);
  if (choice === undefined)
    throw new BadControlRequest(`unknown ${name} ${JSON.stringify(value)}; known: ${choices.join(', ')}`);
  return choice;
}

function numberOf(fields: Fields, name: string, least: number): number | undefined {
  const value = fields[name];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value) || value < least)
    throw new BadControlRequest(`${name} must be a number of at least ${least}`);
  return value;
}

function textOf(fields: Fields, name: string): string | undefined {
  const value = fields[name];
  if (value === undefined || typeof value === 'string') return value;
  throw new BadControlRequest(`${name} must be a string`);
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');

function given<K extends string, V>(name: K, value: V | undefined): { readonly [key in K]?: V } {
  if (value === undefined) return {};
  const pair: { [key in K]?: V } = {};
  pair[name] = value;
  return pair;
}
