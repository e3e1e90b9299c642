import {
  BadRequestSchema,
  ErrorInfoSchema,
  RequestInfoSchema,
  ResourceInfoSchema,
  RetryInfoSchema,
  StatusSchema,
} from '@berth/contracts';
import type { DomainError, ErrorKind } from '@berth/errors';
import { create, type DescMessage, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { type Any, anyPack, durationFromMs } from '@bufbuild/protobuf/wkt';
import { Metadata, status } from '@grpc/grpc-js';

const codeOfKind: Record<ErrorKind, status> = {
  invalid: status.INVALID_ARGUMENT,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  not_found: status.NOT_FOUND,
  conflict: status.FAILED_PRECONDITION,
  precondition_failed: status.ABORTED,
  unprocessable: status.INVALID_ARGUMENT,
  too_large: status.OUT_OF_RANGE,
  exhausted: status.RESOURCE_EXHAUSTED,
  rate_limited: status.RESOURCE_EXHAUSTED,
  rejected: status.FAILED_PRECONDITION,
  unavailable: status.UNAVAILABLE,
  bug: status.INTERNAL,
};

/** Clients take some 8 KiB of trailers; what does not fit is left out, rather than have the whole status lost. */
const mostFields = 20;
const mostText = 300;

/** How a call failed, as @grpc/grpc-js sends it. */
export interface RpcStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** The code of a failure: by its kind, except for what gRPC has a word of its own for. */
export function codeOf({ kind, code }: DomainError): status {
  if (code === 'DEADLINE_PASSED' || code === 'DEADLINE_EXCEEDED') return status.DEADLINE_EXCEEDED;
  if (kind === 'conflict' && code.endsWith('_TAKEN')) return status.ALREADY_EXISTS;
  return codeOfKind[kind];
}

/** `error` for a gRPC caller, with typed details (google.rpc.Status) in the trailers. Cause and what is only for the log stay inside. */
export function rpcStatus(error: DomainError, requestId: string): RpcStatus {
  const code = codeOf(error);
  const message = clipped(error.message, 1_000);
  const details = detailsOf(error, requestId);
  const metadata = new Metadata();
  metadata.set('x-request-id', requestId);
  metadata.set('grpc-status-details-bin', Buffer.from(pack(StatusSchema, { code, message, details })));
  return { code, details: message, metadata };
}

function detailsOf(error: DomainError, requestId: string): Any[] {
  const { fields = [], retryAfterSeconds, operationId, resource } = error.details;
  const metadata: Record<string, string> = operationId === undefined ? {} : { operation_id: operationId };
  const fieldViolations = fields.slice(0, mostFields).map(({ field, message }) => ({
    field: clipped(field, mostText),
    description: clipped(message, mostText),
  }));
  return [
    packed(ErrorInfoSchema, { reason: error.code, domain: 'berth', metadata }),
    ...(fields.length === 0 ? [] : [packed(BadRequestSchema, { fieldViolations })]),
    ...(retryAfterSeconds === undefined
      ? []
      : [packed(RetryInfoSchema, { retryDelay: durationFromMs(Math.ceil(retryAfterSeconds) * 1_000) })]),
    ...(resource === undefined
      ? []
      : [
          packed(ResourceInfoSchema, {
            resourceType: clipped(resource.type, mostText),
            resourceName: clipped(resource.name, mostText),
          }),
        ]),
    packed(RequestInfoSchema, { requestId }),
  ];
}

const packed = <D extends DescMessage>(schema: D, init: MessageInitShape<D>): Any =>
  anyPack(schema, create(schema, init));

const pack = <D extends DescMessage>(schema: D, init: MessageInitShape<D>): Uint8Array =>
  toBinary(schema, create(schema, init));

/** Cutting may leave half of a character, which cannot be encoded. */
const clipped = (text: string, most: number): string =>
  (text.length > most ? `${text.slice(0, most)}…` : text).toWellFormed();
