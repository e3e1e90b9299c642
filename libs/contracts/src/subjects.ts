import type { DescMethodUnary } from '@bufbuild/protobuf';
import type { AuditAction } from './audit-actions.ts';

/**
 * The NATS subject that a command is asked on, below the installation's prefix:
 * `<prefix>.rpc.berth.allocator.v1.VmService.ProvisionVm`.
 */
export const subjectOfMethod = (prefix: string, method: DescMethodUnary): string =>
  `${prefix}.rpc.${method.parent.typeName}.${method.name}`;

/** A JetStream stream: its name and subjects below the installation's prefix. */
export interface StreamContract {
  /** Stable name; the installation's prefix is put in front. */
  readonly name: string;
  /** Subject pattern below the prefix. */
  readonly subjects: string;
  /** What flows in it, for the catalogue. */
  readonly purpose: string;
}

/** Every stream of Berth. Rows of the outboxes can rebuild each of them; of AUDIT only what services changed, not what gateways saw: those have no database. */
export const streams = {
  routerChanges: {
    name: 'ROUTER_CHANGES',
    subjects: 'router-changes.>',
    purpose: 'allocator to driver: what each resource shall be on its router',
  },
  routerEvents: {
    name: 'ROUTER_EVENTS',
    subjects: 'router-events.>',
    purpose: 'driver to all: verdicts on changes, and how each router stands',
  },
  events: {
    name: 'EVENTS',
    subjects: 'events.>',
    purpose: 'public events (CloudEvents)',
  },
  audit: {
    name: 'AUDIT',
    subjects: 'audit.>',
    purpose:
      'for the audit log, to auth: what gateways were asked, which is kept nowhere else until auth has it, and what allocator and driver changed',
  },
} as const satisfies Record<string, StreamContract>;

/** Subject tokens must not hold dots, blanks or wildcards: router names are escaped. */
const token = (text: string): string => encodeURIComponent(text).replaceAll('.', '%2E').replaceAll('*', '%2A');

/** Subjects of messages, below the installation's prefix. */
export const subjects = {
  /** RouterChange. */
  routerChange: (router: string) => `router-changes.${token(router)}`,
  /** RouterChangeSettled. */
  routerChangeSettled: (router: string) => `router-events.settled.${token(router)}`,
  /** RouterStatus. */
  routerStatus: (router: string) => `router-events.status.${token(router)}`,
  /** A router's name (StringValue): changes wait for it. Plain NATS between the driver's replicas, not kept; they also look by themselves. */
  routerWork: 'notices.router.work',
  /** A router's name (StringValue): its settings changed, or a test of it waits. Plain NATS between the driver's replicas, not kept; they also look by themselves. */
  routerSettings: 'notices.router.settings',
  /** A bulk's id (StringValue): it has something to do. Plain NATS between the allocator's replicas, not kept; they also look by themselves. */
  bulkWork: 'notices.bulk.work',
  /** OperationEnded, as a public event. The operation's id is last, so that one waiter can listen for one. */
  operationEnded: (operationId: string) => `events.operation.ended.${token(operationId)}`,
  /** All OperationEnded. */
  anyOperationEnded: 'events.operation.ended.*',
  /** RouterCommitted, as a public event. */
  routerCommitted: (router: string) => `events.router.committed.${token(router)}`,
  /** PoolChanged, as a public event. */
  poolChanged: (kind: string, id: string) => `events.pool.changed.${token(kind)}.${token(id)}`,
  /** All PoolChanged. */
  anyPoolChanged: 'events.pool.changed.*.*',
  /** RouterDriftChanged, as a public event: `detected`, `repaired`, `accepted`, `contested` or `cleared`. */
  routerDrift: (what: string, router: string) => `events.router.drift.${token(what)}.${token(router)}`,
  /** RouterStateChanged, as a public event. */
  routerStateChanged: (router: string) => `events.router.state.changed.${token(router)}`,
  /** AccessChanged, as a public event, in the words of the audit log. */
  accessChanged: (what: AuditAction, id: string) => `events.access.${what}.${token(id)}`,
  /** AuditRecord. */
  auditRecord: 'audit.request',
  /** AccessPosition: plain NATS, not kept; told after each change and twice a second, so that silence is noticed. */
  accessPosition: 'notices.access.position',
} as const;
