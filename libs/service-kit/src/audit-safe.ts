/** Names of fields whose values are secrets, in lower case without `-`, `_` and blanks. Rather one too many than one too few. */
const secretName =
  /pass(wd|word|phrase|code)?$|password|passwd|secret|token|key|credential|authori[sz]ation|cookie|verifier|assertion|signature|private|(^|new|old|reset|login)otp|^(code|pin|pwd|nonce|seed|salt|hash|pem|jwt)$/;
/** What says something about a secret without being it: `api_key_id`, `access_token_seconds`, `password_changed_at`. */
const aboutSecret = /(ids?|names?|prefix|at|seconds|minutes|hours|days|count|version|kind|type|changed|fingerprint)$/;

const censored = '[redacted]';
const cutMark = '[cut]';
const deepest = 12;
const longestName = 100;
/** No text is looked at further than this. */
const longestLook = 16_384;

/** Texts that are secrets by their shape, wherever they stand. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [^-]*PRIVATE KEY-----[\s\S]*?(-----END [^-]*-----|$)/g, censored],
  [/berth_(?:\w{1,40}_)?[0-9A-Za-z]{20,}/g, censored], // keys, and what is enough like one to be a mistyped one
  [/(?<![\w-])eyJ[\w-]{5,}\.[\w-]+\.?[\w-]*/g, censored], // JWTs; without looking behind, some texts would take seconds
  [/\$(argon2|2[aby]|scrypt|pbkdf2)[^\s"]+/g, censored],
  [/(\w:\/\/[^/\s:@"]*):[^@\s"]{1,300}@/g, `$1:${censored}@`], // without a bound, some texts would take long
  [/\b(bearer|basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${censored}`],
  [/(?<![\w-])([\w-]*(?:token|secret|password|passwd|key|code)=)[^&\s"']+/gi, `$1${censored}`],
  // 40 characters and more of base64 with small and capital letters and digits: random, so a secret for all that we know.
  [/(?<![\w+/-])(?=[\w+/-]*[a-z])(?=[\w+/-]*[A-Z])(?=[\w+/-]*\d)[A-Za-z0-9_+-][\w+-]{39,}={0,2}/g, censored],
];

/** What has none of these shapes at a glance: names, numbers, addresses, UUIDs. Nearly all that is looked at is so. */
const plain = /^(?:(?!.*eyJ)[\w.:/-]{0,19}|[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/;

/**
 * A copy of `value` that may stand in the audit log: JSON, without secrets (known by the names of their fields and by their shape), without
 * characters that Postgres refuses in JSON, and cut at about `most` bytes, which it says where it does.
 */
export function safeForAudit(value: unknown, most = 4_096): unknown {
  return walk(value, { left: most }, 0);
}

/** The same for a text: at most `most` characters of it. */
export function safeTextForAudit(text: string, most: number): string {
  if (text.length <= most && plain.test(text)) return text;
  let safe = text.slice(0, longestLook).toWellFormed().replaceAll('\u0000', '');
  if (text.length > longestLook) safe = withoutLastWord(safe); // half a secret has not its shape
  for (const [shape, instead] of shapes) safe = safe.replaceAll(shape, instead);
  return safe.length > most ? `${safe.slice(0, Math.max(most, 0)).toWellFormed()}${cutMark}` : safe;
}

/** Not by an expression: it would look for the end of the text from every character of a long word. */
function withoutLastWord(text: string): string {
  let end = text.length;
  while (end > 0 && !/\s/.test(text.charAt(end - 1))) end--;
  return text.slice(0, end);
}

interface Budget {
  left: number;
}

function walk(value: unknown, budget: Budget, depth: number): unknown {
  if (typeof value === 'string') return textWithin(value, budget);
  if (typeof value === 'bigint') return textWithin(String(value), budget);
  if (typeof value === 'number' || typeof value === 'boolean') {
    budget.left -= 6;
    return Number.isNaN(value) ? null : value;
  }
  if (typeof value !== 'object' || value === null) return null;
  if (value instanceof Date) return textWithin(value.toISOString(), budget);
  if (ArrayBuffer.isView(value)) return '[bytes]';
  if (depth === deepest) return cutMark;
  return Array.isArray(value) ? itemsOf(value, budget, depth) : fieldsOf(value, budget, depth);
}

function textWithin(text: string, budget: Budget): string {
  const safe = safeTextForAudit(text, budget.left);
  budget.left -= Buffer.byteLength(safe) + 3;
  return safe;
}

function itemsOf(items: readonly unknown[], budget: Budget, depth: number): unknown[] {
  const kept: unknown[] = [];
  for (const item of items) {
    if (budget.left <= 0) return [...kept, cutMark];
    kept.push(walk(item, budget, depth + 1));
  }
  return kept;
}

function fieldsOf(fields: object, budget: Budget, depth: number): Record<string, unknown> {
  const kept: [string, unknown][] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || typeof value === 'function') continue;
    if (budget.left <= 0) {
      kept.push(['…', cutMark]);
      break;
    }
    budget.left -= 4;
    const shown = textWithin(name.slice(0, longestName), budget);
    kept.push([shown, isSecret(name, value) ? censored : walk(value, budget, depth + 1)]);
  }
  return Object.fromEntries(kept);
}

/** Whether there is one says nothing of it: booleans and null pass. */
function isSecret(name: string, value: unknown): boolean {
  if (value === null || value === '' || typeof value === 'boolean') return false;
  const word = name.toLowerCase().replaceAll(/[-_\s.]/g, '');
  return secretName.test(word) && !aboutSecret.test(word);
}
