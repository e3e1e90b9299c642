import { randomBytes, randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import {
  type AddRouterRequestSchema,
  RouterAdminService,
  type TestRouterRequestSchema,
  type UpdateRouterRequestSchema,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { request } from '@berth/messaging';
import { eventually } from '@berth/testing';
import type { MasterKey } from '@berth/vault';
import { type Simulator, type SimulatorOptions, startSimulator } from '@berth/vyos-simulator';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { World } from './driver-world.ts';

export const admin = { id: 'admin', kind: 'api_key', name: 'admin', permissions: ['*'], group: '' };

export const masterKey = (id = 'one'): MasterKey => ({ id, bytes: randomBytes(32) });

/** Another simulated router, with a certificate and a key of its own. */
export async function anotherRouter(t: TestContext, options: SimulatorOptions = {}): Promise<Simulator> {
  const router = await startSimulator({ key: randomBytes(24).toString('base64url'), ...options });
  t.after(() => router.stop());
  return router;
}

/** How Berth reaches a simulator. */
export const settingsOf = (router: Simulator) => ({
  host: '127.0.0.1',
  port: Number(new URL(router.url).port),
  keyId: router.keyId,
  key: router.key,
  fingerprint: router.fingerprint,
});

export const withCode = (code: string) => (error: unknown) => error instanceof DomainError && error.code === code;

type Without<T> = Omit<Exclude<T, { $typeName: string }>, 'context' | 'principal'>;

/** The administration of routers, over the bus. */
export function routerSide({ bus }: Pick<World, 'bus'>, principal: object = admin) {
  const timeoutMs = 60_000;
  const { method } = RouterAdminService;
  const context = (ifVersion = 0n) => ({ operationId: randomUUID(), principal, ifVersion });
  return {
    add: (message: Without<MessageInitShape<typeof AddRouterRequestSchema>>) =>
      request(bus, method.addRouter, { ...message, context: context() }, { timeoutMs }),
    get: (router: string) => request(bus, method.getRouter, { principal, router }, { timeoutMs }),
    list: async () => (await request(bus, method.listRouterDetails, { principal }, { timeoutMs })).routers,
    update: (message: Without<MessageInitShape<typeof UpdateRouterRequestSchema>>, ifVersion = 0n) =>
      request(bus, method.updateRouter, { ...message, context: context(ifVersion) }, { timeoutMs }),
    remove: (router: string) => request(bus, method.removeRouter, { router, context: context() }, { timeoutMs }),
    test: (message: Without<MessageInitShape<typeof TestRouterRequestSchema>>) =>
      request(bus, method.testRouter, { ...message, principal }, { timeoutMs }),
    /** The details, once the router is in that state. */
    async inState(router: string, state: number) {
      return eventually(
        async () => {
          const details = await this.get(router);
          return details.status?.state === state && details;
        },
        { timeoutMs: 20_000, what: `router ${router} in state ${state}` },
      );
    },
  };
}
