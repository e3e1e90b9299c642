import type { Health } from '../../../app/read-health.ts';
import type { App } from '../app-types.ts';
import { problems } from '../problem-schemas.ts';

/** That it runs, and how it is. Open to everyone. */
export function healthRoutes(app: App, deps: { health: () => Promise<Health> }): void {
  const root = {
    operationId: 'getRoot',
    summary: 'Say that it runs',
    tags: ['Health'],
    security: [],
    response: { 200: { $ref: 'Root#' } } as unknown,
  };
  app.get('/', { schema: root, config: { open: true } }, async () => ({ message: 'Berth is running.' }));

  const health = {
    operationId: 'getHealth',
    summary: 'Say how the parts and the routers stand',
    description: 'For people; orchestrators use `/livez` and `/readyz` on the services’ own ports.',
    tags: ['Health'],
    security: [],
    response: {
      200: { $ref: 'Health#' },
      503: {
        description: 'The database or the bus is away.',
        content: { 'application/json': { schema: { $ref: 'Health#' } } },
      },
      ...problems(429),
    } as unknown,
  };
  app.get('/v1/health', { schema: health, config: { open: true } }, async (_request, reply) => {
    const state = await deps.health();
    return reply.code(state.status === 'down' ? 503 : 200).send(state);
  });
}
