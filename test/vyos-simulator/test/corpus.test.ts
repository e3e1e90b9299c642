import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Simulator, startSimulator } from '../src/index.ts';
import {
  type CorpusSequence,
  type CorpusStep,
  comparable,
  normalisedValue,
  readAllowedDifferences,
  readCorpus,
} from './corpus.ts';
import { type Reply, sendForm, sendJson } from './router-client.ts';

type Difference = { readonly at: string; readonly real: string; readonly simulated: string };

test('the simulator answers the recorded sequences as the real router did', async (t) => {
  const allowed = new Map(readAllowedDifferences().corpus.map(({ at, reason }) => [at, reason]));
  const sequences = readCorpus();
  const differences = (await Promise.all(sequences.map(replay))).flat();
  const steps = sequences.reduce((sum, { steps: all }) => sum + all.length, 0);
  const wrongSteps = differences.filter(({ at }) => !at.endsWith('/after')).length;
  const share = (100 * (steps - wrongSteps)) / steps;
  t.diagnostic(`${steps - wrongSteps} of ${steps} steps as recorded (${share.toFixed(1)} %)`);
  for (const { at } of differences) t.diagnostic(`step ${at}: ${allowed.get(at) ?? 'NOT LISTED'}`);
  assert.deepEqual(
    differences.filter(({ at }) => !allowed.has(at)),
    [],
  );
  assert.ok(share >= 98, `${share} %`);
});

async function replay({ sequence, steps, after }: CorpusSequence): Promise<Difference[]> {
  const simulator = await startSimulator();
  try {
    const differences: Difference[] = [];
    for (const [at, step] of steps.entries()) {
      const reply = await repeat(simulator, step);
      const real = `${step.status} ${step.content_type} ${comparable(step.response)}`;
      const text = reply.text.replaceAll(simulator.key, '$KEY');
      const simulated = `${reply.status} ${reply.type} ${comparable(text)}`;
      if (real !== simulated) differences.push({ at: `${sequence}/${at}`, real, simulated });
    }
    const real = normalisedValue(after);
    const simulated = normalisedValue(
      Object.fromEntries(Object.keys(after).map((path) => [path, subtree(simulator.config(), path.split(' '))])),
    );
    return real === simulated ? differences : [...differences, { at: `${sequence}/after`, real, simulated }];
  } finally {
    await simulator.stop();
  }
}

function repeat(simulator: Simulator, step: CorpusStep): Promise<Reply> {
  const { endpoint, encoding, request } = step;
  if (encoding === 'form') return sendForm(simulator, endpoint, { data: JSON.stringify(request), key: simulator.key });
  return sendJson(simulator, endpoint, typeof request === 'object' && request !== null ? request : {});
}

function subtree(config: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (node, name) =>
      typeof node === 'object' && node !== null ? Object.entries(node).find(([key]) => key === name)?.[1] : undefined,
    config,
  );
}
