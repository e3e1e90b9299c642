import { DomainError } from '@berth/errors';
import type { AnyRequest, App } from '../app-types.ts';

/** From here on a body is large: what any other route takes. */
const largeBytes = 1_048_576;
/** Parsed, each takes many times its bytes. */
const maxLargeBodies = 4;

/** The place of a large body. */
export interface LargeBody {
  /** Gives the place to another body. Repeatable. */
  leave(): void;
}

/**
 * Reads only a few large JSON bodies of bulks at a time in this process, from their first byte until their items are handed on; the others
 * are told to come back. Bodies of lines are streams and need no place. To be registered after the hook that checks permissions.
 */
export function registerLargeBodies(app: App): void {
  let inside = 0;
  app.decorateRequest('largeBody', null);
  app.addHook('preParsing', async (request, reply) => {
    if (!request.routeOptions.config.bulk || !isLargeJson(request)) return;
    if (inside === maxLargeBodies) throw comeBack();
    inside++;
    let isInside = true;
    const leave = () => {
      if (isInside) inside--;
      isInside = false;
    };
    request.largeBody = { leave };
    reply.raw.once('close', leave);
  });
}

/** Of a body that comes in chunks nobody knows the length. */
function isLargeJson({ headers }: Pick<AnyRequest, 'headers'>): boolean {
  if (!/^\s*application\/json\b/i.test(headers['content-type'] ?? '')) return false;
  return headers['content-length'] === undefined || Number(headers['content-length']) > largeBytes;
}

const comeBack = () =>
  new DomainError(
    'unavailable',
    'OVERLOADED',
    'Other large bodies are being read. Come back, or send the items as lines (application/x-ndjson).',
    { retryAfterSeconds: 5 },
  );
