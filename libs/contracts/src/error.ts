import { type DomainError, fromWire, toWire } from '@berth/errors';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Error as ErrorMessage, ErrorSchema } from './gen/berth/common/v1/error_pb.js';

/** A DomainError as a message. */
export const toErrorMessage = (error: DomainError): ErrorMessage => {
  const wire = toWire(error);
  const init: MessageInitShape<typeof ErrorSchema> = { ...wire, fields: wire.fields.map((field) => ({ ...field })) };
  return create(ErrorSchema, init);
};

/** The DomainError that a message tells of. */
export const fromErrorMessage = (message: ErrorMessage): DomainError => fromWire(message);
