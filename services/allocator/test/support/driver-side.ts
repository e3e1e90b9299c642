import { randomUUID } from 'node:crypto';
import {
  type ConflictSchema,
  type ForeignHoldingSchema,
  QueueService,
  type RouterChange,
  RouterChangeSchema,
  RouterChangeSettledSchema,
  RouterService,
  RouterState,
  type RouterStatus,
  RouterStatusSchema,
  streams,
  subjects,
  Verdict,
  WithdrawalOutcome,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, ensureStream, listen, serve } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';

type StatusInit = Exclude<MessageInitShape<typeof RouterStatusSchema>, RouterStatus>;

export const profile = {
  wanInterface: 'eth0',
  externalIp: '203.0.113.2',
  dhcpNetwork: 'LAN',
  dhcpSubnet: '10.0.0.0/16',
  gateway: '10.0.0.1',
};

/** How the driver judges a change. */
export interface Judgement {
  readonly applied: boolean;
  /** Neither: it was taken back in time. */
  readonly withdrawn?: boolean;
  readonly code?: string;
  readonly message?: string;
  readonly stood?: boolean;
  readonly conflict?: MessageInitShape<typeof ConflictSchema>;
  /** Default: the newest that was sent. */
  readonly revision?: bigint;
}

/** The test in the driver's place: it speaks the wire contract over the real bus, and keeps what each resource shall be. */
export class DriverSide {
  /** Every change that was published, in order. */
  readonly changes: RouterChange[] = [];
  /** What others hold on the router, as the next inventory tells. */
  holdings: MessageInitShape<typeof ForeignHoldingSchema>[] = [];
  /** What taking changes back comes out as. */
  withdrawal = WithdrawalOutcome.WITHDRAWN;
  /** Resources of which changes were asked to be taken back, by question and answer. */
  readonly withdrawn: string[] = [];
  readonly #bus: Bus;
  #status: StatusInit = {};
  #sequence = 0n;
  #inventory = 0n;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  static async start(bus: Bus): Promise<DriverSide> {
    const driver = new DriverSide(bus);
    await ensureStream(bus, streams.routerEvents);
    await ensureStream(bus, streams.routerChanges);
    listen(bus, 'router-changes.>', RouterChangeSchema, (change) => void driver.changes.push(change));
    serve(bus, RouterService.method.listRouters, async () => ({
      routers: driver.#sequence > 0n ? [driver.#status] : [],
    }));
    serve(bus, RouterService.method.listForeignHoldings, async ({ inventory, pageToken }) => {
      if (inventory !== 0n && inventory !== driver.#inventory) {
        throw new DomainError('conflict', 'INVENTORY_CHANGED', 'There is a newer one.');
      }
      const from = Number(pageToken || 0);
      const rest = driver.holdings.length > from + 2;
      return {
        inventory: driver.#inventory,
        holdings: driver.holdings.slice(from, from + 2), // small pages, so that there are several
        nextPageToken: rest ? String(from + 2) : '',
      };
    });
    serve(bus, QueueService.method.withdrawChanges, async ({ changes }) => {
      driver.withdrawn.push(...changes.map(({ resourceId }) => resourceId));
      return { withdrawals: changes.map(({ resourceId }) => ({ resourceId, outcome: driver.withdrawal })) };
    });
    await bus.ping();
    return driver;
  }

  /** Tells how the router stands, with a new inventory. */
  async report(status: StatusInit): Promise<void> {
    this.#inventory++;
    this.#sequence++;
    this.#status = {
      router: 'default',
      epoch: 1n,
      sequence: this.#sequence,
      state: RouterState.OK,
      profile,
      inventory: this.#inventory,
      version: '1.5',
      ...status,
    };
    await this.#publish(
      subjects.routerStatus('default'),
      toBinary(RouterStatusSchema, create(RouterStatusSchema, this.#status)),
    );
  }

  get inventory(): bigint {
    return this.#inventory;
  }

  /** The newest change of a resource, once there is one (of at least this revision). */
  change(resourceId: string, revision = 1n): Promise<RouterChange> {
    return eventually(() => this.newest(resourceId, revision), { what: `revision ${revision} of ${resourceId}` });
  }

  newest(resourceId: string, revision = 1n): RouterChange | undefined {
    return this.changes
      .filter((change) => change.resourceId === resourceId && (change.revision?.number ?? 0n) >= revision)
      .reduce<RouterChange | undefined>(
        (newest, change) => ((change.revision?.number ?? 0n) > (newest?.revision?.number ?? 0n) ? change : newest),
        undefined,
      );
  }

  /** Publishes the verdict on a resource's newest change (or the given revision). */
  async settle(resourceId: string, judgement: Judgement): Promise<void> {
    const revision = judgement.revision ?? (await this.change(resourceId)).revision?.number ?? 1n;
    const message = create(RouterChangeSettledSchema, {
      router: 'default',
      resourceId,
      revision: { incarnation: 1n, number: revision },
      verdict: judgement.withdrawn ? Verdict.WITHDRAWN : judgement.applied ? Verdict.APPLIED : Verdict.REJECTED,
      code: judgement.code ?? (judgement.applied || judgement.withdrawn ? '' : 'ROUTER_REFUSED'),
      message: judgement.message ?? '',
      stood: judgement.stood ?? false,
      ...(judgement.conflict && { conflict: judgement.conflict }),
    });
    await this.#publish(subjects.routerChangeSettled('default'), toBinary(RouterChangeSettledSchema, message));
  }

  async #publish(subject: string, data: Uint8Array): Promise<void> {
    await this.#bus.jetstream.publish(`${this.#bus.prefix}.${subject}`, data, { msgID: randomUUID() });
  }
}
