import assert from 'node:assert/strict';
import { get } from 'node:http';
import { test } from 'node:test';
import { type Simulator, startSimulator } from '../src/index.ts';
import { comparable, readAllowedDifferences, readTranscripts, type TranscriptStep } from './corpus.ts';
import { type Reply, send, sendForm } from './router-client.ts';

const allowed = new Map(readAllowedDifferences().transcripts.map(({ at, reason }) => [at, reason]));

for (const { transcript, steps } of readTranscripts()) {
  test(`the simulator answers transcript ${transcript} as the real router did`, async (t) => {
    const simulator = await startSimulator();
    t.after(() => simulator.stop());
    const differences: { at: string; note: string; real: string; simulated: string }[] = [];
    for (const step of steps) {
      const reply = await repeat(simulator, step);
      if (reply === undefined) continue;
      const type = step.content_type ?? reply.type;
      const real = `${step.status} ${type} ${step.cut ? '' : comparable(step.response)}`;
      const simulated = `${reply.status} ${reply.type} ${step.cut ? '' : comparable(reply.text)}`;
      if (real !== simulated) differences.push({ at: step.at, note: step.note, real, simulated });
    }
    for (const { at } of differences) t.diagnostic(`request ${at}: ${allowed.get(at) ?? 'NOT LISTED'}`);
    const unlisted = differences.filter(({ at }) => !allowed.has(at));
    assert.deepEqual(unlisted, []);
  });
}

async function repeat(simulator: Simulator, step: TranscriptStep): Promise<Reply | undefined> {
  if (step.reboot) {
    await simulator.reboot({ downMs: 0 });
    return undefined;
  }
  if (step.scheme === 'http') return plainGet(simulator, step.path);
  if (step.form !== undefined) return sendForm(simulator, step.path, step.form);
  const headers: Record<string, string> = step.type === undefined ? {} : { 'content-type': step.type };
  return send(simulator, step.path, { method: step.method ?? 'POST', headers, body: step.body ?? '' });
}

/** Plain HTTP to the TLS port. */
function plainGet(simulator: Simulator, path: string): Promise<Reply> {
  return new Promise((resolve, reject) => {
    get(`${simulator.url.replace('https', 'http')}${path}`, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          type: response.headers['content-type'] ?? '',
          text: Buffer.concat(chunks).toString('utf8'),
          headers: response.headers,
        }),
      );
    }).on('error', reject);
  });
}
