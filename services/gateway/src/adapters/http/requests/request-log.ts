import type { Logger } from '@berth/service-kit';
import type { App } from '../app-types.ts';

/** One line per request: no bodies, no queries, no keys. */
export function logRequests(app: App, log: Logger): void {
  app.addHook('onResponse', (request, reply, done) => {
    const { scope, principal } = request;
    scope.run(() =>
      log.info(
        {
          method: request.method,
          route: request.routeOptions.url ?? 'unmatched',
          status: reply.statusCode,
          ms: Math.round(performance.now() - scope.startedAt),
          traceId: scope.traceId,
          ...(principal && { principalId: principal.id }),
        },
        'request',
      ),
    );
    done();
  });
}
