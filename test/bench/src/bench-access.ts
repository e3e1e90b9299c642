import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openAccess, presentedKey } from '@berth/access';
import { openDatabase } from '@berth/database';
import { RestClient } from '@berth/e2e';
import { type RunningSystem, startSystem } from '@berth/local';
import { connectBus } from '@berth/messaging';
import { createLogger } from '@berth/service-kit';
import { eventually, ownPostgres, type TestScope } from '@berth/testing';
import { percentile, rounded } from './statistics.ts';

const password = 'bench bench bench';
/** argon2id of the password with the least parameters: what is measured is not this. */
const passwordHash = '$argon2id$v=19$m=64,t=1,p=1$/fiGbLnoCH/iYHXbxmL7eQ$hnqAgyz34enQ1yWm/UVlEp6IExwinwh1s39Hh8K5Q8o';
const rounds = 2_000;
const stormMs = 6_000;

type Send = () => Promise<{ readonly status: number }>;

/** What it costs a request that its caller is known, by token and by key; and what others feel of many who sign in. */
export async function access(): Promise<void> {
  const cleanUps: (() => void | Promise<void>)[] = [];
  const scope: TestScope = { after: (run) => void cleanUps.push(run) };
  const stateFolder = await mkdtemp(join(tmpdir(), 'berth-bench-'));
  try {
    const { url: databaseUrl } = await ownPostgres(scope);
    const system = await startSystem({
      ...{ stateFolder, port: 0, databaseUrl },
      env: {
        ...{ BERTH_RATE_LIMIT_PER_SECOND: '0', BERTH_OVERLOADED_AFTER_MS: '0', BERTH_LOG_LEVEL: 'warn' },
        ...{ BERTH_SIGN_IN_FAILURES: '1000000', BERTH_SIGN_IN_FAILURES_OF_ADDRESS: '1000000' },
      },
    });
    try {
      await addUser(databaseUrl);
      await measure(system, new RestClient(system.api, system.adminApiKey));
    } finally {
      await system.stop();
    }
  } finally {
    for (let next = cleanUps.shift(); next !== undefined; next = cleanUps.shift()) await next();
    await rm(stateFolder, { recursive: true, force: true });
  }
}

async function addUser(databaseUrl: string): Promise<void> {
  const database = await openDatabase({ url: databaseUrl, schema: 'auth', migrations: [], applicationName: 'bench' });
  await database.execute("INSERT INTO users (name, password_hash, home_group) VALUES ('bench', $1, 'viewer')", [
    passwordHash,
  ]);
  await database.execute("INSERT INTO memberships (user_id, group_name) SELECT id, 'viewer' FROM users");
  await database.close();
}

async function measure(system: RunningSystem, api: RestClient): Promise<void> {
  const viewer = await api.post('/v1/admin/api-keys', { permission: 'viewer' });
  const signIn = (username: string) => api.post('/v1/auth/token', { username, password }, { apiKey: null });
  const { body } = await signIn('bench');
  const bearer = { authorization: `Bearer ${body.access_token}` };
  // All three are answered with a problem by the gateway itself; only the last two know who asks.
  const asked: Record<'nobody' | 'token' | 'key', Send> = {
    nobody: () => api.get('/v1/nothing', { apiKey: null }),
    token: () => api.get('/v1/admin/api-keys', { apiKey: null, headers: bearer }),
    key: () => api.get('/v1/admin/api-keys', { apiKey: viewer.body.api_key }),
  };
  for (const [who, status] of [
    ['nobody', 404],
    ['token', 403],
    ['key', 403],
  ] as const) {
    const answer = await asked[who]();
    if (answer.status !== status) throw new Error(`${who} was answered ${answer.status}`);
  }
  await inTurn(asked, rounds); // warms the code up
  const calm = await inTurn(asked, rounds);
  const [nobody, token, key] = [calm.nobody, calm.token, calm.key].map((times) => percentile(times, 0.5)) as [
    number,
    number,
    number,
  ];
  console.log(
    `access: a request p50 ${rounded(nobody, 3)} ms; its caller known by token + ${rounded(token - nobody, 3)} ms, by cached key + ${rounded(key - nobody, 3)} ms (aim ≤ 0.3)`,
  );
  await inProcess(system, { token: body.access_token, key: viewer.body.api_key });
  let storming = true;
  let refused = 0;
  const storm = Array.from({ length: 16 }, async () => {
    while (storming) if ((await signIn('nobody')).status === 401) refused++;
  });
  const stormy: number[] = [];
  for (const end = performance.now() + stormMs; performance.now() < end; ) stormy.push(await timed(asked.token));
  storming = false;
  await Promise.all(storm);
  const ratio = percentile(stormy, 0.5) / token;
  console.log(
    `  while 16 sign in without pause (${rounded(refused / (stormMs / 1_000), 0)} a second): p50 ${rounded(percentile(stormy, 0.5), 3)} ms, p99 ${rounded(percentile(stormy, 0.99))} ms; ratio of p50 ${rounded(ratio, 2)}`,
  );
}

/** What a gateway does for it, by itself. */
async function inProcess({ nats }: RunningSystem, shown: Readonly<Record<string, string>>): Promise<void> {
  const url = (await readFile(nats.urlFile, 'utf8')).trim();
  const log = createLogger('bench', 'fatal');
  const bus = await connectBus({ url, prefix: nats.subjectPrefix, name: 'bench', log });
  const known = openAccess(bus, {
    wait: { answerTimeoutMs: 1_000, nobodyThereMs: 1_000 },
    ttlMs: 60_000,
    tokens: { issuer: 'http://127.0.0.1:8800', audience: 'berth' },
  });
  await eventually(() => known.isCurrent());
  for (const [what, credential] of Object.entries(shown)) {
    const authorization = `Bearer ${credential}`;
    const send = () => known.authenticator.principalOf(presentedKey({ apiKey: undefined, authorization }), '127.0.0.1');
    const times: number[] = [];
    for (let i = 0; i < 20_000; i++) times.push(await timed(send));
    console.log(
      `  by itself, ${what}: p50 ${rounded(percentile(times, 0.5) * 1_000)} µs, p99 ${rounded(percentile(times, 0.99) * 1_000)} µs`,
    );
  }
  known.stop();
  await bus.drain();
}

/** All in turn, so that what else the machine does hits them alike. In milliseconds. */
async function inTurn<N extends string>(asked: Record<N, Send>, count: number): Promise<Record<N, number[]>> {
  const names = Object.keys(asked) as N[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<N, number[]>;
  for (let i = 0; i < count; i++) for (const name of names) times[name].push(await timed(asked[name]));
  return times;
}

async function timed(send: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await send();
  return performance.now() - begun;
}
