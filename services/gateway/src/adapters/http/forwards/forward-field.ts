import type { DomainError } from '@berth/errors';
import { withFieldsAt } from '../as-written.ts';

/**
 * The field of a body that the allocator means by `field`. In a command a run of ports is a first and a last one, in a body one port or a
 * range: of these, what was written in `body` is named. Without a body it is the one that can be meant.
 */
export function forwardFieldOf(field: string, body?: unknown): string {
  const [, at = '', side, end] = /^(|.*\.)(internal|external)_port(_end)?$/.exec(field) ?? [];
  if (side === undefined) return field;
  const written: object = Object(memberAt(body, at));
  const [port, ports] = [`${side}_port`, `${side}_ports`];
  const isRange = ports in written || (end !== undefined && !(port in written));
  return at + (isRange ? ports : port);
}

/** What stands at a path like `create[0].`; undefined when nothing does. */
const memberAt = (body: unknown, path: string): unknown =>
  path
    .split(/[.[\]]+/)
    .filter((step) => step !== '')
    .reduce((value: unknown, step) => (Object.hasOwn(Object(value), step) ? Object(value)[step] : undefined), body);

/** A failure that was kept apart from its body, with its fields called as bodies call them. */
export const withFieldsAsked = (error: DomainError): DomainError =>
  error.details.fields?.some(({ field }) => forwardFieldOf(field) !== field)
    ? withFieldsAt(error, (field) => forwardFieldOf(field))
    : error;
