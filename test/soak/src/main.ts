// `npm run soak`: many random steps against the model. Ends by itself, at the first difference with the seed that shows it again.
//   npm run soak -- --steps 100000 --seed 7     one run of 2,000 steps after the other, each with the next seed
import { parseArgs } from 'node:util';
import { startTestServers, type TestScope } from '@berth/testing';
import { soak } from './soak.ts';

/** A run begins with an empty router and empty books. */
const stepsOfRun = 2_000;

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '100000' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
});
const steps = Number(values.steps);
const firstSeed = Number(values.seed);
if (!Number.isSafeInteger(steps) || steps < 1 || !Number.isSafeInteger(firstSeed)) {
  console.error('Use: npm run soak -- [--steps N] [--seed N]');
  process.exit(2);
}

const servers = await startTestServers();
process.env['BERTH_TEST_POSTGRES_URL'] = servers.postgresUrl;
process.env['BERTH_TEST_NATS_URL'] = servers.natsUrl;

const begun = performance.now();
let failed = false;
for (let done = 0, seed = firstSeed; done < steps && !failed; seed += 1) {
  const count = Math.min(stepsOfRun, steps - done);
  failed = !(await oneRun(seed, count));
  done += count;
  const seconds = (performance.now() - begun) / 1_000;
  console.log(`${done} of ${steps} steps, ${seconds.toFixed(0)} s, ${(done / seconds).toFixed(0)} steps/s`);
}
await servers.stop();
process.exit(failed ? 1 : 0);

async function oneRun(seed: number, count: number): Promise<boolean> {
  const cleanUps: (() => void | Promise<void>)[] = [];
  const scope: TestScope = { after: (run) => void cleanUps.push(run) };
  let rested = 0;
  const onRest = (stepsDone: number) => {
    rested = stepsDone;
  };
  try {
    const result = await soak(scope, { seed, count, onRest });
    console.log(`seed ${seed}: all as the model says. ${JSON.stringify(result)}`);
    return true;
  } catch (error) {
    console.error(`seed ${seed}, after step ${rested} of ${count} (again with --seed ${seed} --steps ${count}):`);
    console.error(error);
    return false;
  } finally {
    for (let next = cleanUps.shift(); next !== undefined; next = cleanUps.shift()) await next();
  }
}
