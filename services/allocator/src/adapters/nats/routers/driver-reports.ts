import {
  type ForeignHolding,
  HoldingKind,
  RouterService,
  RouterState,
  type RouterStatus,
  RouterStatusSchema,
  streams,
} from '@berth/contracts';
import type { Database } from '@berth/database';
import { DomainError, isKind } from '@berth/errors';
import { type Bus, type Consumption, consume, request } from '@berth/messaging';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { ForeignValue, RouterReport } from '../../../app/ports.ts';
import { parseIpv4 } from '../../../domain/ipv4.ts';
import type { RouterState as State } from '../../../domain/routers/router.ts';

const states: Record<RouterState, State> = {
  [RouterState.UNSPECIFIED]: 'unseen',
  [RouterState.OK]: 'ok',
  [RouterState.UNREACHABLE]: 'unreachable',
  [RouterState.BREAKER_OPEN]: 'breaker_open',
  [RouterState.UNKNOWN]: 'unknown',
  [RouterState.BLOCKED]: 'blocked',
  [RouterState.DISABLED]: 'disabled',
  [RouterState.REMOVED]: 'removed',
};

const answerWithinMs = 5_000;

function toReport(status: RouterStatus): RouterReport {
  const { profile } = status;
  if (status.router === '') throw new DomainError('invalid', 'MALFORMED_MESSAGE', 'The report names no router.');
  return {
    name: status.router,
    epoch: status.epoch,
    sequence: status.sequence,
    state: states[status.state] ?? 'unseen',
    retryAfterSeconds: status.retryAfterSeconds,
    reason: status.reason,
    since: status.since ? timestampDate(status.since) : null,
    site: profile
      ? {
          wanInterface: profile.wanInterface,
          externalIp: profile.externalIp,
          dhcpNetwork: profile.dhcpNetwork,
          dhcpSubnet: profile.dhcpSubnet,
        }
      : null,
    gateway: profile?.gateway ?? '',
    subnets: (profile?.subnets ?? []).map(({ network, subnet, subnetId, gateway, nameServers, leaseSeconds }) => ({
      network,
      subnet,
      subnetId,
      gateway,
      nameServers,
      leaseSeconds,
    })),
    interfaces: (profile?.interfaces ?? []).map(({ name, addresses, dynamic }) => ({ name, addresses, dynamic })),
    version: status.version,
    inventory: status.inventory,
  };
}

function toForeignValue(holding: ForeignHolding): ForeignValue[] {
  const { firstNumber, lastNumber, value, path } = holding;
  const base = { held: null, value: '', externalIp: '', path };
  const numbers = { first: firstNumber, last: Math.max(firstNumber, lastNumber) };
  switch (holding.kind) {
    case HoldingKind.RULE_NUMBER:
      return [{ ...base, kind: 'rule', held: numbers }];
    case HoldingKind.PORT: {
      const kind = holding.protocol === 'udp' ? 'udp' : 'tcp';
      return [{ ...base, kind, held: numbers, externalIp: value }];
    }
    case HoldingKind.ADDRESS:
    case HoldingKind.DYNAMIC_RANGE: {
      const first = parseIpv4(value);
      const last = parseIpv4(holding.lastValue || value);
      return first === undefined || last === undefined || last < first
        ? [] // an IPv6 address: not of a space that we hand out
        : [{ ...base, kind: 'address', held: { first, last } }];
    }
    case HoldingKind.MAC:
      return [{ ...base, kind: 'mac', value: value.toLowerCase() }];
    case HoldingKind.MAPPING_NAME:
      return [{ ...base, kind: 'mapping', value: value.toLowerCase() }];
    default:
      return []; // a kind that a newer driver knows
  }
}

/** Takes what the driver tells of routers as it happens. */
export const consumeReports = (
  deps: { bus: Bus; database: Database },
  handle: (reports: readonly RouterReport[]) => Promise<void>,
): Consumption =>
  consume(deps, {
    stream: streams.routerEvents,
    filter: 'router-events.status.>',
    durable: 'allocator-router-status',
    schema: RouterStatusSchema,
    handle: (batch) => handle(batch.map(({ message }) => toReport(message))),
  });

/** How all routers stand now, asked of the driver. */
export async function askReports(bus: Bus): Promise<readonly RouterReport[]> {
  const { routers } = await request(bus, RouterService.method.listRouters, {}, { timeoutMs: answerWithinMs });
  return routers.map(toReport);
}

/** All that others hold on a router: the newest inventory, page by page. Begins again when a newer one takes its place meanwhile. */
export async function fetchInventory(
  bus: Bus,
  router: string,
): Promise<{ number: bigint; values: readonly ForeignValue[] }> {
  const values: ForeignValue[] = [];
  let number = 0n;
  let pageToken = '';
  for (;;) {
    try {
      const page = await request(
        bus,
        RouterService.method.listForeignHoldings,
        { router, inventory: number, pageToken },
        { timeoutMs: answerWithinMs },
      );
      for (const holding of page.holdings) values.push(...toForeignValue(holding));
      number = page.inventory;
      pageToken = page.nextPageToken;
      if (pageToken === '') return { number, values };
    } catch (error) {
      if (!isKind(error, 'conflict')) throw error;
      values.length = 0;
      number = 0n;
      pageToken = '';
    }
  }
}
