/** Names whose values never reach a log, without regard to case, `-` and `_`. */
const secretNames = new Set([
  'accesstoken',
  'apikey',
  'authorization',
  'cookie',
  'databaseurl',
  'key',
  'natsurl',
  'pass',
  'passwd',
  'password',
  'privatekey',
  'refreshtoken',
  'secret',
  'setcookie',
  'token',
  'vyosapikey',
  'vyosapikeys',
  'xapikey',
]);
const censored = '[redacted]';
/** Below that nothing is shown at all: log lines are flat, and a cycle must end. */
const deepest = 8;

const known = new Map<string, boolean>();

function isSecretName(name: string): boolean {
  let answer = known.get(name);
  if (answer === undefined) {
    answer = secretNames.has(name.toLowerCase().replaceAll(/[-_]/g, ''));
    if (known.size < 10_000) known.set(name, answer); // names come from code, but some objects have data for names
  }
  return answer;
}

/** A copy of `value` in which what is named like a secret is replaced, however deep it lies. Errors and buffers pass as they are. */
export function withoutSecrets(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error || value instanceof Date || ArrayBuffer.isView(value)) return value;
  if (depth === deepest) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, withoutSecret(name, inner, depth + 1)]),
  );
}

/** The value of a field: replaced when its name is a secret's, else without the secrets in it. */
export const withoutSecret = (name: string, value: unknown, depth = 0): unknown =>
  isSecretName(name) && value !== undefined && value !== null ? censored : withoutSecrets(value, depth);

/**
 * `line` without what looks like a secret wherever it stands: passwords in URLs, API keys and refresh tokens of our own form. Error texts carry
 * such things, and whoever sends them as a request's id.
 */
export const withoutSecretTexts = (line: string): string =>
  line
    .replaceAll(/(\w:\/\/[^/\s:@"]*):[^@\s"]+@/g, `$1:${censored}@`)
    .replaceAll(/(berth_[0-9A-Za-z]{8})_[0-9A-Za-z]{49}/g, `$1_${censored}`)
    .replaceAll(/brt_[\w-]{43}/g, `brt_${censored}`);
