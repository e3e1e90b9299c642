import type { TestContext } from 'node:test';
import {
  type DriftItem,
  DriftPolicy,
  DriftService,
  type GetDriftResponse,
  type RouterDriftChanged,
  RouterDriftChangedSchema,
} from '@berth/contracts';
import { listen, request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { driverWorld, type World, type WorldOptions } from './driver-world.ts';

export const principal = (permissions: string[] = ['*'], group = '') => ({
  id: 'key-1',
  kind: 'api_key',
  name: 'tests',
  permissions,
  group,
});

const timeoutMs = 30_000;

/** A world whose drift is asked for and listened to. */
export interface DriftWorld extends World {
  /** Types and messages of the public events, as they came. */
  readonly told: { readonly what: string; readonly event: RouterDriftChanged }[];
  drift(ended?: boolean): Promise<GetDriftResponse>;
  /** Waits until the items that are open satisfy `isSo`, and gives them back. */
  openItems(isSo: (items: readonly DriftItem[]) => boolean): Promise<readonly DriftItem[]>;
  /** Has the router compared, waits for the end, and gives back the report. */
  check(repair?: boolean): Promise<GetDriftResponse>;
  setPolicies(...rules: readonly (readonly [path: string, policy: DriftPolicy])[]): Promise<void>;
  kinds(): string[];
}

export async function driftWorld(t: TestContext, options: WorldOptions = {}): Promise<DriftWorld> {
  const world = await driverWorld(t, options);
  const told: { what: string; event: RouterDriftChanged }[] = [];
  for (const what of ['detected', 'repaired', 'accepted', 'contested', 'cleared']) {
    const hear = (event: RouterDriftChanged) => void told.push({ what, event });
    t.after(listen(world.bus, `events.router.drift.${what}.>`, RouterDriftChangedSchema, hear));
  }
  await world.bus.ping();
  const { method } = DriftService;
  const drift = (ended = false) =>
    request(world.bus, method.getDrift, { principal: principal(), router: 'default', ended }, { timeoutMs });
  return {
    ...world,
    told,
    drift,
    async openItems(isSo) {
      const look = async () => {
        const { items } = await drift();
        return isSo(items) ? items : undefined;
      };
      return eventually(look, { timeoutMs });
    },
    async check(repair = false) {
      const asked = { principal: principal(), router: 'default', repair, waitMs: 20_000 };
      const { done } = await request(world.bus, method.checkDrift, asked, { timeoutMs });
      if (!done) throw new Error('the check did not end');
      return drift(true);
    },
    async setPolicies(...rules) {
      const messages = rules.map(([path, policy]) => ({ path: path.split(' ').filter((name) => name !== ''), policy }));
      const asked = { principal: principal(), router: 'default', rules: messages };
      await request(world.bus, method.setDriftPolicies, asked, { timeoutMs });
    },
    kinds: () => told.map(({ what }) => what),
  };
}

export const { REPORT, REPAIR, ACCEPT } = DriftPolicy;
