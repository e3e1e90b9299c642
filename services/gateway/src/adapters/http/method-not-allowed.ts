import { DomainError } from '@berth/errors';
import type { HTTPMethods } from 'fastify';
import type { App } from './app-types.ts';

const methods: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'];
/** Another route takes these, with its last parameter: a forward and a VM may be called like that. */
const taken = new Set([
  'POST /v1/vms/:machine_id/ports/status',
  ...['GET', 'HEAD', 'PATCH'].map((method) => `${method} /v1/vms/provision`),
]);

/** Notes the methods of each address; what it gives back answers all others with 405 and `Allow`. To be called after the last route. */
export function noteMethods(app: App): () => void {
  const known = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const allowed = known.get(url) ?? new Set();
    for (const one of [method].flat()) allowed.add(one.toUpperCase());
    known.set(url, allowed);
  });
  return () => {
    for (const [url, allowed] of [...known]) {
      const allow = [...allowed].sort().join(', ');
      const others = methods.filter((method) => !allowed.has(method) && !taken.has(`${method} ${url}`));
      app.route({
        method: others,
        url,
        schema: { hide: true },
        config: { open: true },
        onRequest: async (_request, reply) => {
          reply.header('Allow', allow);
          throw new DomainError('invalid', 'METHOD_NOT_ALLOWED', `This address takes ${allow}.`);
        },
        handler: async () => {},
      });
    }
  };
}
