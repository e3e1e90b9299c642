import { DomainError } from '@berth/errors';
import type { App } from './app-types.ts';

/** Reads bodies as JSON. No text at all is no body, even where a client names its type nevertheless. */
export function registerJsonBody(app: App): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(['application/json'], { parseAs: 'string' }, (request, body, done) => {
    if (body.length === 0) return done(null, undefined);
    void parse(request, String(body), (error, value) => {
      if (error === null) return done(null, value);
      done(new DomainError('invalid', 'MALFORMED_JSON', 'The body is not valid JSON.', {}, { cause: error }));
    });
  });
  app.addHook('preValidation', (request, _reply, done) => {
    if (request.routeOptions.config.bodyOptional) request.body ??= {};
    done();
  });
}
