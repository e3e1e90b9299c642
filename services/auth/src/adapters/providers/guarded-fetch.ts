import { lookup } from 'node:dns';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { isPrivateAddress } from '../../domain/identities/private-address.ts';
import { isSafeScheme } from '../../domain/identities/provider-terms.ts';

/** What may be fetched. */
export interface FetchRules {
  /** Addresses of private networks and of this machine too. */
  readonly onPrivateNetworks: boolean;
  /** For the whole answer. */
  readonly timeoutMs: number;
}

/** An answer cannot be had: no connection, an address that is refused, too slow or too large. */
export class FetchFailed extends Error {
  override readonly name = 'FetchFailed';
}

/** What is sent; bodies are forms. */
export interface FetchInit {
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: URLSearchParams | string | Uint8Array | ArrayBuffer | ReadableStream | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

const longestAnswer = 1_048_576;
const withoutBody = [204, 304];

/**
 * A fetch for addresses that people configured: https (http within this machine alone), no redirects, bounded in time and size, and only to
 * addresses of the Internet. The address that is connected to is the one that was judged, so a name cannot change in between.
 */
export function guardedFetch(rules: FetchRules): (address: string, init?: FetchInit) => Promise<Response> {
  return async (address, { method = 'GET', headers = {}, body, signal } = {}) => {
    const url = new URL(address);
    if (!isSafeScheme(url)) throw new FetchFailed(`${url.origin} is neither https nor this machine`);
    const text = formOf(body);
    const time = AbortSignal.timeout(rules.timeoutMs);
    const options: RequestOptions = {
      method,
      headers: { 'user-agent': 'Berth', ...headers, ...(text && { 'content-length': Buffer.byteLength(text) }) },
      lookup: judgedLookup(rules),
      signal: signal ? AbortSignal.any([signal, time]) : time,
      agent: false,
    };
    refuseLiteral(url, rules);
    try {
      return await answerOf(url, options, text);
    } catch (error) {
      if (error instanceof FetchFailed) throw error;
      throw new FetchFailed(`${url.origin} does not answer: ${reasonOf(error)}`);
    }
  };
}

/** A code of the system or a name; messages may quote what was sent. */
const reasonOf = (error: unknown): string =>
  error instanceof Error ? String(Reflect.get(error, 'code') ?? error.name) : 'unknown';

function formOf(body: FetchInit['body']): string | undefined {
  if (body === undefined || body === null) return undefined;
  if (typeof body === 'string' || body instanceof URLSearchParams) return body.toString();
  throw new FetchFailed('only forms are sent');
}

/** Names are judged when they are looked up; addresses never are looked up. */
function refuseLiteral({ hostname }: URL, { onPrivateNetworks }: FetchRules): void {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (!onPrivateNetworks && isIP(host) !== 0 && isPrivateAddress(host)) throw refused(hostname);
}

const refused = (hostname: string) => new FetchFailed(`${hostname} is at an address of a private network`);

const judgedLookup =
  ({ onPrivateNetworks }: FetchRules): LookupFunction =>
  (hostname, options, done) =>
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null || first === undefined) return done(error ?? new FetchFailed('no address'), '');
      const inside = !onPrivateNetworks && addresses.some(({ address }) => isPrivateAddress(address));
      if (inside) return done(refused(hostname), '');
      return options.all ? done(null, addresses) : done(null, first.address, first.family);
    });

function answerOf(url: URL, options: RequestOptions, body: string | undefined): Promise<Response> {
  const ask = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const asked = ask(url, options, (answer) => {
      bodyOf(answer).then((bytes) => resolve(responseOf(answer, bytes)), reject);
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

async function bodyOf(answer: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of answer) {
    length += part.length;
    if (length > longestAnswer) {
      answer.destroy();
      throw new FetchFailed('the answer is too large');
    }
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function responseOf(
  { statusCode: status = 502, headersDistinct }: IncomingMessage,
  body: Uint8Array<ArrayBuffer>,
): Response {
  const headers = Object.entries(headersDistinct).flatMap(([name, values = []]) =>
    values.map((value): [string, string] => [name, value]),
  );
  return new Response(withoutBody.includes(status) ? null : body, { status, headers });
}
