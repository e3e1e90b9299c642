import {
  RouterChangeSchema,
  RouterChangeSettledSchema,
  RouterService,
  RouterState,
  type RouterStatusSchema,
  streams,
  subjects,
  Verdict,
} from '@berth/contracts';
import { type Bus, ensureStream, listen, serve } from '@berth/messaging';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';

/** A router as the played driver tells of it. */
export interface PlayedRouter {
  readonly name: string;
  readonly externalIp: string;
  /** The addresses that VMs get, as a prefix. */
  readonly dhcpSubnet: string;
}

const inventory = 1n;

const statusOf = ({ name, externalIp, dhcpSubnet }: PlayedRouter): MessageInitShape<typeof RouterStatusSchema> => ({
  router: name,
  epoch: 1n,
  sequence: 1n,
  state: RouterState.OK,
  profile: { wanInterface: 'eth0', externalIp, dhcpNetwork: 'LAN', dhcpSubnet, gateway: '' },
  inventory,
  version: '1.5',
});

/** Answers for a driver whose routers hold nothing of others, and judges every change when it comes, or none (null). Ends with the bus. */
export async function playDriver(
  bus: Bus,
  routers: readonly PlayedRouter[],
  { applied }: { readonly applied: boolean | null },
): Promise<void> {
  await ensureStream(bus, streams.routerEvents);
  await ensureStream(bus, streams.routerChanges);
  serve(bus, RouterService.method.listRouters, async () => ({ routers: routers.map(statusOf) }));
  serve(bus, RouterService.method.listForeignHoldings, async () => ({ inventory, holdings: [] }));
  listen(bus, 'router-changes.>', RouterChangeSchema, ({ router, resourceId, revision }) => {
    if (revision === undefined || applied === null) return;
    const settled = create(RouterChangeSettledSchema, {
      ...{ router, resourceId, revision },
      ...(applied
        ? { verdict: Verdict.APPLIED }
        : { verdict: Verdict.REJECTED, code: 'ROUTER_REFUSED', message: 'no' }),
    });
    const subject = `${bus.prefix}.${subjects.routerChangeSettled(router)}`;
    void bus.jetstream.publish(subject, toBinary(RouterChangeSettledSchema, settled));
  });
  await bus.ping();
}
