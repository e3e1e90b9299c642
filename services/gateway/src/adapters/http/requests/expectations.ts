import { DomainError } from '@berth/errors';
import type { App } from '../app-types.ts';

/**
 * Refuses what a request expects beyond `100-continue`, which the HTTP server answers by itself. The server would refuse the rest by
 * itself too, but without a problem, a log line or a measurement.
 */
export function refuseExpectations(app: App): void {
  app.server.on('checkExpectation', (request, response) => app.server.emit('request', request, response));
  app.addHook('onRequest', async ({ headers }) => {
    if (headers.expect === undefined || headers.expect.toLowerCase() === '100-continue') return;
    throw new DomainError('invalid', 'EXPECTATION_FAILED', 'Of expectations only 100-continue can be met.');
  });
}
