import type { Readable } from 'node:stream';
import { DomainError } from '@berth/errors';

/** One line of a body; `bytes` undefined: it is longer than a line may be. */
export interface Line {
  /** From 1. */
  readonly number: number;
  readonly bytes: Buffer | undefined;
}

const lineFeed = 0x0a;

/**
 * The lines of a body as it arrives, empty ones too. No more is read than has been asked for, and no more is kept than one line, so that a
 * slow reader slows the sender down and memory does not grow with the body. Leaving early keeps the connection, for the answer.
 */
export async function* linesOf(body: Readable, most: { lineBytes: number; bodyBytes: number }): AsyncGenerator<Line> {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let total = 0;
  let number = 1;
  const keep = (part: Buffer) => {
    keptBytes += part.length;
    if (keptBytes <= most.lineBytes) kept.push(part);
    else kept = [];
  };
  const take = (): Line => {
    const line = { number: number++, bytes: keptBytes <= most.lineBytes ? Buffer.concat(kept) : undefined };
    kept = [];
    keptBytes = 0;
    return line;
  };
  for await (const chunk of arriving(body)) {
    total += chunk.length;
    if (total > most.bodyBytes) throw new DomainError('too_large', 'BODY_TOO_LARGE', 'The body is too large.');
    let from = 0;
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      keep(chunk.subarray(from, end));
      yield take();
      from = end + 1;
    }
    if (from < chunk.length) keep(chunk.subarray(from));
  }
  if (keptBytes > 0) yield take();
}

/** The body as it arrives. Leaving early keeps the connection. */
export async function* arriving(body: Readable): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false })) yield Buffer.from(chunk);
  } catch (error) {
    throw new DomainError('invalid', 'MALFORMED_REQUEST', 'The body broke off.', {}, { cause: error });
  }
}
