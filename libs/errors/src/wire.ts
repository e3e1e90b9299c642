import { DomainError, type ErrorKind, errorKinds, type FieldError } from './domain-error.ts';

/** A foreseen failure as it travels between services: what the caller may see, nothing of details or cause. */
export interface WireError {
  readonly kind: string;
  readonly code: string;
  readonly message: string;
  readonly fields: readonly FieldError[];
  /** 0 when unknown. */
  readonly retryAfterSeconds: number;
  /** Empty when there is none. */
  readonly operationId: string;
  /** Empty when it is about nothing in particular; absent in what was written before there was this field. */
  readonly resourceType?: string;
  readonly resourceName?: string;
}

const mostSeconds = 2 ** 32 - 1; // what the field on the wire holds

const wholeSeconds = (seconds: number | undefined): number =>
  seconds !== undefined && seconds > 0 ? Math.min(Math.ceil(seconds), mostSeconds) : 0;

/** `error` for another service. Seconds are rounded up, so that nobody comes back too early. */
export const toWire = (error: DomainError): WireError => ({
  kind: error.kind,
  code: error.code,
  message: error.message,
  fields: error.details.fields ?? [],
  retryAfterSeconds: wholeSeconds(error.details.retryAfterSeconds),
  operationId: error.details.operationId ?? '',
  resourceType: error.details.resource?.type ?? '',
  resourceName: error.details.resource?.name ?? '',
});

/** The failure that another service named. A kind that this version does not know becomes `bug`. */
export function fromWire(wire: WireError): DomainError {
  const kind: ErrorKind = errorKinds.find((known) => known === wire.kind) ?? 'bug';
  return new DomainError(kind, wire.code, wire.message, {
    ...(wire.fields.length > 0 ? { fields: wire.fields.map(({ field, message }) => ({ field, message })) } : {}),
    ...(wire.retryAfterSeconds > 0 ? { retryAfterSeconds: wire.retryAfterSeconds } : {}),
    ...(wire.operationId === '' ? {} : { operationId: wire.operationId }),
    ...(wire.resourceType ? { resource: { type: wire.resourceType, name: wire.resourceName ?? '' } } : {}),
  });
}
