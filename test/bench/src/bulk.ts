import { Agent, request } from 'node:http';
import { Readable } from 'node:stream';
import type { RestClient } from '@berth/e2e';
import type { RunningSystem } from '@berth/local';
import { residentMb } from './resident.ts';
import { percentile, rounded } from './statistics.ts';

const count = 10_000;

function* provisionLines(): Generator<string> {
  for (let index = 0; index < count; index++) yield `${JSON.stringify({ vm_name: `bulk-${index}` })}\n`;
}

/** Sends the lines as one body over a connection of its own, without having them all in memory; gives back the answer. */
function send(
  system: RunningSystem,
  path: string,
  body: Readable,
): Promise<{ status: number; location: string; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = {
      'x-api-key': system.adminApiKey,
      'content-type': 'application/x-ndjson',
      prefer: 'respond-async',
    };
    const outgoing = request(system.api + path, { method: 'POST', headers, agent: new Agent() }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, location: answer.headers.location ?? '', text }),
      );
    });
    outgoing.on('error', reject);
    body.pipe(outgoing);
  });
}

/** Asks for single VMs while `running` says so; gives back how long each took until it was accepted, in milliseconds. */
async function singlesBeside(api: RestClient, running: () => boolean): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; running(); index++) {
    const begun = performance.now();
    const { status } = await api.provision({ vm_name: `single-${index}` }, { headers: { prefer: 'respond-async' } });
    if (status !== 202 && status !== 201) throw new Error(`a single provision beside the bulk answered ${status}`);
    times.push(performance.now() - begun);
  }
  return times;
}

/** 10,000 VMs in one request of NDJSON: how long until accepted, until each is taken in, until all are on the router; memory of the gateway. */
export async function bulk({ api, system }: { api: RestClient; system: RunningSystem }): Promise<void> {
  const gateway = system.services.find(({ name }) => name.startsWith('gateway'))?.pid ?? 0;
  const before = await residentMb(gateway);
  let highest = before;
  const watching = setInterval(() => {
    residentMb(gateway).then(
      (now) => {
        highest = Math.max(highest, now);
      },
      () => {},
    );
  }, 50);
  const start = performance.now();
  const sinceStart = () => (performance.now() - start) / 1000;
  const accepted = await send(system, '/v1/vms/bulk-provision', Readable.from(provisionLines()));
  if (accepted.status !== 202) throw new Error(`the bulk answered ${accepted.status} ${accepted.text}`);
  const acceptedIn = sinceStart();

  let ended = false;
  const singles = singlesBeside(api, () => !ended && sinceStart() < acceptedIn + 10);
  let state: { state: string; total: number; succeeded: number; failed: number };
  do {
    state = (await api.get(accepted.location, { headers: { prefer: 'wait=20' } })).body;
    console.log(`  ${rounded(sinceStart(), 0)} s: ${state.succeeded} of ${state.total} are on the router`);
  } while (state.state === 'running');
  const endedIn = sinceStart();
  ended = true;
  const times = await singles;
  const beforeReading = await residentMb(gateway);
  for (let path: string | undefined = `${accepted.location}/items?limit=500`; path !== undefined; ) {
    const link: string = (await api.get(path)).headers.get('link') ?? '';
    path = /<([^>]+)>/.exec(link)?.[1];
  }
  clearInterval(watching);
  console.log(
    `bulk: ${count} VMs in one request accepted in ${rounded(acceptedIn)} s, all on the router in ${rounded(endedIn)} s (${rounded(state.succeeded / endedIn, 0)} VMs/s), ${state.failed} failed`,
  );
  console.log(
    `  gateway resident: ${rounded(before, 0)} MB before, ${rounded(beforeReading, 0)} MB after, ${rounded(highest, 0)} MB at most`,
  );
  console.log(
    `  ${times.length} single provisions beside it: accepted in p50 ${rounded(percentile(times, 0.5))} ms, p99 ${rounded(percentile(times, 0.99))} ms`,
  );
}
