import { randomBytes } from 'node:crypto';
import type { TestScope } from '@berth/testing';
import { type Simulator, startSimulator } from '@berth/vyos-simulator';

/** A router besides the system's own, with a certificate and a key that only it has. */
export interface SecondRouter {
  readonly router: Simulator;
  /** The fields with which it is added. */
  readonly settings: {
    readonly host: string;
    readonly port: number;
    readonly key_id: string;
    readonly key: string;
    readonly fingerprint: string;
  };
}

export async function startSecondRouter(scope: TestScope): Promise<SecondRouter> {
  const router = await startSimulator({ key: randomBytes(24).toString('base64url') });
  scope.after(() => router.stop());
  const { hostname, port } = new URL(router.url);
  const { keyId, key, fingerprint } = router;
  return { router, settings: { host: hostname, port: Number(port), key_id: keyId, key, fingerprint } };
}
