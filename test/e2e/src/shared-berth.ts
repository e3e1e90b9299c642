import assert from 'node:assert/strict';
import { after } from 'node:test';
import { allVms } from './expected-config.ts';
import { inParallel } from './in-parallel.ts';
import { type BerthOptions, type BerthUnderTest, startBerth } from './start-berth.ts';

/**
 * One system for all tests of a file that ask for it, since a start costs more than most of them: without VMs and with a quick router each
 * time. What else a test made (groups, pools, commits, plans) is there still. To be called outside of tests; the system stops after the last.
 */
export function sharedBerth(options: BerthOptions = {}): () => Promise<BerthUnderTest> {
  const cleanUps: (() => void | Promise<void>)[] = [];
  after(async () => {
    for (const cleanUp of cleanUps) await cleanUp(); // also of those that come meanwhile
  });
  let started: Promise<BerthUnderTest> | undefined;
  return async () => {
    const isNew = started === undefined;
    started ??= startBerth({ after: (run) => void cleanUps.push(run) }, options);
    const berth = await started;
    if (!isNew) await empty(berth);
    return berth;
  };
}

async function empty({ api, router }: BerthUnderTest): Promise<void> {
  await router.clearFaults();
  await router.latency({ preset: 'instant' });
  await inParallel(await allVms(api), 50, async ({ machine_id }) => {
    const { status, body } = await api.decommission(machine_id, { headers: { prefer: 'wait=60' } });
    assert.equal(status, 200, JSON.stringify(body));
  });
}
