import { isDeepStrictEqual } from 'node:util';
import type { AuditAction } from './audit-actions.ts';
import type { Origin, Principal } from './gen/berth/common/v1/command_pb.js';

/** Who changes something, from where and in which request: what an entry of the audit log says besides the change. */
export interface AuditAuthor {
  readonly principal: { readonly id: string; readonly kind: string; readonly name: string };
  /** An IP address; empty for Berth itself. So are the others. */
  readonly clientAddress: string;
  readonly userAgent: string;
  readonly requestId: string;
}

/** Who changes what nobody asked for: the start, a clock, the settings. */
export const berthItself: AuditAuthor = {
  principal: { id: '', kind: 'service', name: 'berth' },
  ...{ clientAddress: '', userAgent: '', requestId: '' },
};

/** The author of what a command changes. Without a principal it is Berth itself. */
export function authorOf(
  principal: Principal | undefined,
  origin: Pick<Origin, 'clientAddress' | 'userAgent' | 'requestId'> | undefined,
): AuditAuthor {
  if (principal === undefined) return berthItself;
  const { clientAddress = '', userAgent = '', requestId = '' } = origin ?? {};
  const { id, kind, name } = principal;
  return { principal: { id, kind, name }, clientAddress, userAgent, requestId };
}

/** The trace of a request that came without one: gateways name a request like its trace, unless the caller names it. */
export const traceOfRequest = (requestId: string): string => (/^[0-9a-f]{32}$/.test(requestId) ? requestId : '');

/** A thing as the API shows it: its names, in snake_case; no secrets. */
export type AuditedState = Readonly<Record<Lowercase<string>, unknown>>;

/** A change as the audit log tells it. */
export interface AuditedChange {
  readonly action: AuditAction;
  /** By the id that the API shows. Its type stands in the action. */
  readonly resource: { readonly id: string; readonly name?: string };
  /** By the database's clock. */
  readonly at: Date;
  readonly before?: AuditedState;
  readonly after?: AuditedState;
  readonly details?: AuditedState;
}

/** What of two states is not the same, by its names: a long list that stayed does not push what changed out of the entry. */
export function differences(
  before: AuditedState,
  after: AuditedState,
): { readonly before: AuditedState; readonly after: AuditedState } {
  const [was, is]: readonly Readonly<Record<string, unknown>>[] = [before, after];
  const isOther = (name: string) => !isDeepStrictEqual(was?.[name], is?.[name]);
  const among = (state: AuditedState): AuditedState =>
    Object.fromEntries(Object.entries(state).filter(([name]) => isOther(name)));
  return { before: among(before), after: among(after) };
}
