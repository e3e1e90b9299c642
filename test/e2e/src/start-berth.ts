import { type RunningSystem, type RunState, readRunState, type StartOptions, startSystem } from '@berth/local';
import { freshDatabase, freshPrefix, type TestScope, temporaryFolder, testNats } from '@berth/testing';
import { RestClient } from './rest-client.ts';
import { RouterControl } from './router-control.ts';

/** A whole system of its own: processes, database, subjects, router. Stopped after the test. */
export interface BerthUnderTest {
  readonly system: RunningSystem;
  readonly api: RestClient;
  readonly router: RouterControl;
  /** Where its messages flow. */
  readonly natsUrl: string;
  readonly subjectPrefix: string;
  readonly stateFolder: string;
}

/** Its processes as they are now, servers included. */
export function processesOf(berth: BerthUnderTest): RunState {
  const state = readRunState(berth.stateFolder);
  if (state === undefined) throw new Error('the system does not run');
  return state;
}

export interface BerthOptions extends Partial<StartOptions> {
  /** Its own Postgres and NATS, for tests that kill or wipe them; otherwise those of the test run. */
  readonly ownServers?: boolean;
}

/** Slow answers of a busy machine are not silence. Tests that end a service in the middle of its work wait for these, and may say less. */
const unhurried = { BERTH_ANSWER_TIMEOUT_MS: '15000', BERTH_COMMAND_TIMEOUT_MS: '30000' };

export async function startBerth(
  scope: TestScope,
  { ownServers = false, ...options }: BerthOptions = {},
): Promise<BerthUnderTest> {
  const stateFolder = temporaryFolder(scope);
  const natsUrl = ownServers ? '' : (await testNats()).url;
  const subjectPrefix = freshPrefix(scope);
  const shared = ownServers ? {} : { databaseUrl: (await freshDatabase(scope)).url, natsUrl };
  const system = await startSystem({
    stateFolder,
    port: 0,
    subjectPrefix,
    ...shared,
    ...options,
    env: {
      BERTH_RATE_LIMIT_PER_SECOND: '0',
      BERTH_OVERLOADED_AFTER_MS: '0',
      BERTH_QUARANTINE_SECONDS: '1',
      ...unhurried,
      ...options.env,
    },
  });
  scope.after(() => system.stop());
  if (system.router === null) throw new Error('the system was started without a simulated router');
  return {
    ...{ system, natsUrl, subjectPrefix, stateFolder },
    api: new RestClient(system.api, system.adminApiKey),
    router: new RouterControl(system.router.control),
  };
}
