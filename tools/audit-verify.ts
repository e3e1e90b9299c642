// Checks an export of the audit log without any service: npm run audit:verify -- export.ndjson --key public.pem [--head head.json]
// Shares no code with what writes the log, so that a mistake there is not repeated here. docs/audit.md says what each line means.

import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const usage = 'usage: npm run audit:verify -- export.ndjson --key public.pem [--key …] [--head head.json …]';

/** Longer than any entry; whoever wrote the file may have wanted to fill the memory of who checks it. */
const longestLine = 64 * 1_048_576;

/** What does not fit; the first of it ends the check. */
class Misfit extends Error {}

interface Entry {
  readonly seq?: unknown;
  readonly previous_hash?: unknown;
}
interface Head {
  readonly kind: string;
  readonly seq: number;
  readonly hash: string;
  readonly at: string;
  readonly key_id: string;
  /** Of a rotation: the key that signs from here on. */
  readonly new_key_id?: string;
  readonly new_public_key?: string;
}

/** A line as it is written; nothing of it is believed before it is checked. */
interface Line
  extends Partial<Record<'kind' | 'version' | 'after' | 'to' | 'hash' | 'signature' | 'last_seq', unknown>> {
  readonly entry?: Entry;
  readonly head?: Head;
}

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const names = Object.keys(value).sort(); // by UTF-16 code units
  return new Map(names.map((name) => [name, sorted(Reflect.get(value, name))]));
};

/** A Map keeps the order of its names, also of those that look like numbers; an object would not. */
const written = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(written).join()}]`;
  if (!(value instanceof Map)) return JSON.stringify(value);
  return `{${[...value].map(([name, inner]) => `${JSON.stringify(name)}:${written(inner)}`).join()}}`;
};

const canonical = (value: unknown): string => written(sorted(value));
const idOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 32);

/** The chain as it is read, line by line. */
class Chain {
  /** Those that were given, and those that these vouch for. */
  readonly #keys: Map<string, KeyObject>;
  /** With which rotation a key was replaced. */
  readonly #rotations = new Map<string, Head>();
  /** Heads that were kept elsewhere: each must be met. */
  readonly #given: Head[] = [];
  /** Their signatures, checked at the end: by then every key is known. */
  readonly #signatures = new Map<Head, string>();
  /** Heads of the export whose entry has not come. */
  readonly #awaited: Head[] = [];
  #after = 0;
  /** Of a part: its last entry. */
  #to: number | undefined;
  #begun = false;
  #ended = false;
  #lastSeq = 0;
  #lastHash: string | undefined;
  #entries = 0;
  #vouched: Head | undefined;
  #anchored = false;

  constructor(keys: ReadonlyMap<string, KeyObject>) {
    this.#keys = new Map(keys);
  }

  /** A signed head that was kept elsewhere. */
  expect(head: Head, signature: string): void {
    if (head.kind === 'rotation' && this.#keys.has(head.key_id)) this.#adopt(head, signature);
    this.#given.push(head);
    this.#signatures.set(head, signature);
  }

  read(line: Line): void {
    if (this.#ended) throw new Misfit('there is something after the end of the export');
    if (!this.#begun) this.#begin(line);
    else if (line.entry) this.#entry(line.entry, String(line.hash));
    else if (line.head) this.#head(line.head, String(line.signature));
    else this.#end(line);
  }

  #end(line: Line): void {
    if (line.kind !== 'end') throw new Misfit(`a line of the kind ${JSON.stringify(line.kind)} is not known`);
    if (line.last_seq !== this.#lastSeq)
      throw new Misfit(`the export ends at ${JSON.stringify(line.last_seq)}, its entries at ${this.#lastSeq}`);
    this.#ended = true;
  }

  /** What was found, for people. */
  finish(): string {
    if (!this.#ended) throw new Misfit('the export is incomplete: its last line is missing');
    for (const [head, signature] of this.#signatures) this.#check(head, signature);
    for (const { at, seq } of [...this.#awaited, ...this.#given]) {
      if (seq > this.#lastSeq)
        throw new Misfit(`a head signed at ${at} speaks of entry ${seq}, but the log ends at ${this.#lastSeq}`);
    }
    const before = this.#given.find(({ seq }) => seq < this.#after);
    if (before) throw new Misfit(`the export begins after entry ${before.seq}, of which a given head speaks`);
    if (this.#entries === 0 && this.#lastSeq === 0) return 'OK: the log is empty';
    if (this.#vouched === undefined)
      throw new Misfit('the entries fit each other, but no signed head vouches for them');
    const { seq, at, key_id } = this.#vouched;
    const later = this.#lastSeq - seq;
    return [
      `OK: ${this.#entries} entries, ${this.#after + 1} to ${this.#lastSeq}; head ${seq} signed at ${at} by ${key_id}`,
      ...(later > 0 ? [`    ${later} entries came after that head; the next one will vouch for them`] : []),
      ...[...this.#rotations.values()].map(
        (head) => `    the key ${head.key_id} vouches for ${head.new_key_id}, which replaced it at entry ${head.seq}`,
      ),
      ...(this.#after > 0 && !this.#anchored ? [`    what is before ${this.#after + 1} was not looked at`] : []),
    ].join('\n');
  }

  #begin({ kind, version, after, to }: Line): void {
    if (kind !== 'export' || version !== 1) throw new Misfit('the first line is not that of an export (version 1)');
    this.#begun = true;
    this.#after = Number(after);
    if (to !== null) this.#to = Number(to);
    this.#lastSeq = this.#after;
    if (this.#after === 0) this.#lastHash = '0'.repeat(64);
    for (const head of this.#given.filter(({ seq }) => seq === this.#after)) this.#match(head);
  }

  #entry(entry: Entry, hash: string): void {
    const { seq, previous_hash: previous } = entry;
    const expected = this.#lastSeq + 1;
    if (seq !== expected)
      throw new Misfit(`entry ${expected} is missing: entry ${JSON.stringify(seq)} is in its place`);
    if (this.#lastHash !== undefined && previous !== this.#lastHash)
      throw new Misfit(`entry ${expected} does not follow the one before it`);
    const text = canonical(entry);
    if (createHash('sha256').update(text).digest('hex') !== hash)
      throw new Misfit(`entry ${expected} was changed: its hash is another one`);
    this.#lastSeq = expected;
    this.#lastHash = hash;
    this.#entries++;
    for (const head of [...this.#awaited, ...this.#given].filter(({ seq: of }) => of === expected)) this.#match(head);
  }

  #head(head: Head, signature: string): void {
    if (head.kind === 'rotation') {
      this.#rotation(head, signature);
      return;
    }
    this.#check(head, signature);
    if (head.seq > this.#lastSeq) this.#awaited.push(head);
    else if (head.seq === this.#lastSeq) this.#match(head);
    else throw new Misfit(`the head about entry ${head.seq} is not in its place`);
  }

  /** Stands at the beginning and in its place. Whom a stranger vouches for is a stranger too. */
  #rotation(head: Head, signature: string): void {
    if (!this.#keys.has(head.key_id)) return;
    this.#adopt(head, signature);
    if (head.seq === this.#lastSeq) this.#match(head);
    else if (head.seq > this.#lastSeq && !(this.#to !== undefined && head.seq > this.#to)) this.#awaited.push(head);
  }

  /** A key vouches for one other, and signs nothing about later entries. */
  #adopt(head: Head, signature: string): void {
    this.#check(head, signature);
    const { key_id: old, seq, new_key_id: id = '', new_public_key: pem = '' } = head;
    const key = keyIn(pem);
    if (key === undefined || idOf(key) !== id)
      throw new Misfit(`the rotation at entry ${seq} names another key than the one it vouches for`);
    const before = this.#rotations.get(old);
    if (before !== undefined && canonical(before) !== canonical(head))
      throw new Misfit(`the key ${old} vouches for two keys, at the entries ${before.seq} and ${seq}`);
    this.#rotations.set(old, head);
    this.#keys.set(id, key);
  }

  /** Before the first entry of a part, a head says what it must hang on. */
  #match(head: Head): void {
    if (this.#lastHash === undefined || this.#entries === 0) {
      this.#anchored = true;
      this.#lastHash ??= head.hash;
    }
    if (head.hash !== this.#lastHash)
      throw new Misfit(`the head signed at ${head.at} speaks of another entry ${head.seq} than this one`);
    if (head.seq > 0) this.#vouched = head;
  }

  #check(head: Head, signature: string): void {
    const key = this.#keys.get(head.key_id);
    if (key === undefined)
      throw new Misfit(
        `the head about entry ${head.seq} is signed with the key ${head.key_id}, which was not given and which no given one vouches for`,
      );
    if (!verify(null, Buffer.from(canonical(head)), key, Buffer.from(signature, 'base64')))
      throw new Misfit(`the signature of the head about entry ${head.seq} is not right`);
    const replaced = this.#rotations.get(head.key_id);
    if (replaced !== undefined && head.seq > replaced.seq)
      throw new Misfit(
        `the head about entry ${head.seq} is signed with the key ${head.key_id}, which was replaced at entry ${replaced.seq}`,
      );
  }
}

const keyIn = (pem: string): KeyObject | undefined => {
  try {
    return createPublicKey(pem);
  } catch {
    return undefined;
  }
};

const parse = (text: string, number: number): object => {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value;
  } catch {}
  throw new Misfit(`line ${number} is not a JSON object`);
};

/** A line of an export as it is written: one with a name twice, or with anything else that others read otherwise, would not be the same again. */
function lineOf(text: string, number: number): Line {
  const value = parse(text, number);
  if (isCanonical(value, text)) return value;
  throw new Misfit(`line ${number} is not written as an export writes it`);
}

function isCanonical(value: object, text: string): boolean {
  try {
    return canonical(value) === text;
  } catch {
    return false; // nested deeper than anything that is written
  }
}

/** Lines end with a line feed and nothing else: texts of entries may hold characters that are line ends to others, such as U+2028. */
async function* linesOf(file: string): AsyncGenerator<string> {
  let rest = '';
  for await (const part of createReadStream(file, 'utf8')) {
    const lines = `${rest}${part}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
    if (rest.length > longestLine) throw new Misfit('a line is longer than any entry');
  }
  if (rest !== '') yield rest;
}

/** What is printed may come from the file: it must not move the cursor, nor hide what is said. */
const printable = (text: string): string => text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, '\ufffd').slice(0, 500);

/** A head as `GET /v1/admin/audit/heads` shows it. */
function headIn(file: string): { head: Head; signature: string } {
  const shown: Partial<Head & { signature: string }> = parse(readFileSync(file, 'utf8'), 1);
  const { kind, seq, hash, at, key_id, new_key_id, new_public_key, signature } = shown;
  if (key_id === undefined) throw new Error(`${file} is no head: it is one of the items that the list of heads has`);
  const head = { kind: String(kind), seq: Number(seq), hash: String(hash), at: String(at), key_id: String(key_id) };
  const rotation = { new_key_id: String(new_key_id), new_public_key: String(new_public_key) };
  return { head: { ...head, ...(kind === 'rotation' && rotation) }, signature: String(signature) };
}

function keyOf(file: string): KeyObject {
  const key = keyIn(readFileSync(file, 'utf8'));
  if (key !== undefined) return key;
  throw new Error(`${file} is no public key (PEM)`);
}

async function check(): Promise<string> {
  const options = { key: { type: 'string', multiple: true }, head: { type: 'string', multiple: true } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [file] = positionals;
  if (file === undefined || positionals.length > 1 || values.key === undefined) throw new Error(usage);
  const chain = new Chain(new Map(values.key.map(keyOf).map((key) => [idOf(key), key])));
  for (const { head, signature } of (values.head ?? []).map(headIn)) chain.expect(head, signature);
  let number = 1;
  for await (const line of linesOf(file)) chain.read(lineOf(line, number++));
  return chain.finish();
}

try {
  console.log(await check());
} catch (error) {
  const found = error instanceof Misfit; // anything else, such as a file that is not there, says nothing about the log
  process.exitCode = found ? 1 : 2;
  const why = printable(error instanceof Error ? error.message : String(error));
  console[found ? 'log' : 'error'](found ? `NOT OK: ${why}` : `not checked: ${why}`);
}
