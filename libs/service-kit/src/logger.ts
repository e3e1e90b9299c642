import { trace } from '@opentelemetry/api';
import {
  type Bindings,
  type ChildLoggerOptions,
  type DestinationStream,
  type Logger,
  pino,
  stdSerializers,
} from 'pino';
import { withoutSecret, withoutSecrets, withoutSecretTexts } from './redact.ts';
import { currentRequest } from './request-context.ts';

export type { Logger } from 'pino';

/** Objects of these names that are not plain have serializers, which run later and choose what is shown. */
const serialized = new Set(['err', 'req', 'res']);

const isPlain = (value: object): boolean => [Object.prototype, null].includes(Object.getPrototypeOf(value));

const clean = (fields: object): Record<string, unknown> => {
  const shown: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    const comes = serialized.has(name) && typeof value === 'object' && value !== null && !isPlain(value);
    shown[name] = comes ? value : withoutSecret(name, value);
  }
  return shown;
};

/** A JSON logger. Each line carries service, request id and trace id; fields named like secrets, and texts that look like some, are replaced. */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const log = pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: clean,
      },
      serializers: {
        err: (error: unknown) =>
          withoutSecrets(error instanceof Error ? { ...stdSerializers.errWithCause(error) } : error),
      },
      hooks: { streamWrite: withoutSecretTexts },
      mixin: () => {
        const request = currentRequest();
        const span = trace.getActiveSpan()?.spanContext();
        return { ...(request && { requestId: request.requestId }), ...(span && { traceId: span.traceId }) };
      },
    },
    destination ?? pino.destination({ fd: 1, sync: false }),
  );
  // pino gives what a child is bound to past its formatters.
  const { child } = log;
  return Object.assign(log, {
    child(this: Logger, bindings: Bindings, options?: ChildLoggerOptions) {
      const made: Logger = Reflect.apply(child, this, [clean(bindings), options]);
      return made;
    },
  });
}
