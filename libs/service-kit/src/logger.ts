import { trace } from '@opentelemetry/api';
import { type DestinationStream, type Logger, pino } from 'pino';
import { currentRequest } from './request-context.ts';

export type { Logger } from 'pino';

const secretNames = [
  'apiKey',
  'api_key',
  'key',
  'secret',
  'password',
  'token',
  'authorization',
  'x-api-key',
  'cookie',
  'databaseUrl',
  'natsUrl',
];
const redactedPaths = secretNames.flatMap((name) => {
  const quoted = /^[A-Za-z_$][\w$]*$/.test(name) ? name : undefined;
  return quoted ? [quoted, `*.${quoted}`, `*.*.${quoted}`] : [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`];
});

/** A JSON logger. Each line carries service, request id and trace id; fields named like secrets are replaced. */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: redactedPaths, censor: '[redacted]' },
      mixin: () => {
        const request = currentRequest();
        const span = trace.getActiveSpan()?.spanContext();
        return { ...(request && { requestId: request.requestId }), ...(span && { traceId: span.traceId }) };
      },
    },
    destination ?? pino.destination({ fd: 1, sync: false }),
  );
}
