import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { choosePort, startNats } from '@berth/local-servers';
import { lastly, newTemporaryFolder, type TestScope } from './test-scope.ts';

/** A NATS server of this test alone, which it may kill, wipe and start again under the same URL. */
export interface OwnNats {
  readonly url: string;
  /** kill -9. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** Starts it again with the store it had. Does nothing while it runs. */
  start(): Promise<void>;
  /** Stops it, removes all streams, and starts it again. */
  wipe(): Promise<void>;
}

/** Starts it, with `users` beside its own if any (a list as in NATS' configuration); always a local process. It is ended after all other clean-up of the test. */
export async function ownNats(scope: TestScope, more: { readonly users?: string } = {}): Promise<OwnNats> {
  const folder = newTemporaryFolder('nats');
  const options = {
    folder,
    user: 'test',
    password: randomBytes(12).toString('hex'),
    port: await choosePort(),
    ...more,
  };
  const launch = () => startNats({ ...options, temporary: true });
  const first = await launch();
  let running: typeof first | undefined = first;
  const own: OwnNats = {
    url: first.url,
    async kill() {
      await running?.kill();
      running = undefined;
    },
    async stop() {
      await running?.stop();
      running = undefined;
    },
    async start() {
      running ??= await launch();
      if (running.url !== first.url) throw new Error(`Port ${first.port} was taken while this NATS was away.`);
    },
    async wipe() {
      await own.stop();
      await rm(join(folder, 'jetstream'), { recursive: true, force: true });
      await own.start();
    },
  };
  options.port = first.port;
  lastly(scope, async () => {
    await own.stop();
    await rm(folder, { recursive: true, force: true });
  });
  return own;
}
