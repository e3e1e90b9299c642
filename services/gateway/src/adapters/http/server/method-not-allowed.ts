import { DomainError } from '@berth/errors';
import type { HTTPMethods } from 'fastify';
import { isWithinPattern } from '../../../domain/requests/matching-paths.ts';
import type { App } from '../app-types.ts';

const methods: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];
/** Notes the methods of each address; what it gives back answers all others with 405 and `Allow`. To be called after the last route. */
export function noteMethods(app: App): () => void {
  const known = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const allowed = known.get(url) ?? new Set();
    for (const one of [method].flat()) allowed.add(one.toUpperCase());
    known.set(url, allowed);
  });
  return () => {
    const routes = new Map([...known].map(([url, allowed]) => [url, new Set(allowed)])); // without those made here
    for (const [url, allowed] of routes) {
      const allow = [...allowed].sort().join(', ');
      const others = methods.filter((method) => !allowed.has(method) && !takenElsewhere(routes, url, method));
      if (others.length === 0) continue;
      app.route({
        method: others,
        url,
        schema: { hide: true },
        config: { open: true, answersOtherMethods: true },
        onRequest: async (_request, reply) => {
          reply.header('Allow', allow);
          throw new DomainError('invalid', 'METHOD_NOT_ALLOWED', `This address takes ${allow}.`);
        },
        handler: async () => {},
      });
    }
  };
}

/** Whether a route with a parameter in the place of a word of `url` takes this method: a VM or a forward may be called like that. */
const takenElsewhere = (routes: ReadonlyMap<string, ReadonlySet<string>>, url: string, method: string): boolean =>
  [...routes].some(([pattern, allowed]) => allowed.has(method) && isWithinPattern(url, pattern));
