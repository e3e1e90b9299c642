import { names, type RestClient } from '@berth/e2e';
import { percentile, rounded } from './statistics.ts';

const vms = 3_334;
const router = '/v1/routers/default';

/** On a router with 10,000 rules of ours: why a line is there, what stood, what differs. */
export async function explain({ api }: { readonly api: RestClient }): Promise<void> {
  const items = names('vm', vms).map((vm_name) => ({ vm_name }));
  await untilEnded(api, await startBulk(api, items));
  const { body: config } = await api.get(`${router}/config?part=owned`);
  const rules = Object.keys(config.tree.nat.destination.rule);
  console.log(`explain: ${rules.length} rules, ${vms} mappings, ${config.commit.number} commits`);
  const questions: Record<string, (n: number) => string> = {
    rule: (n) => `rule=${rules[n]}`,
    path: (n) => `path=nat destination rule ${rules[n]}`,
    port: (n) => `port=${portOf(config, rules[n])}&protocol=tcp`,
    mapping: (n) => `mapping=${items[n % vms]?.vm_name}`,
    address: (n) => `address=${addressOf(config, rules[n])}`,
  };
  for (const [name, question] of Object.entries(questions)) {
    const times = await timed(220, async (n) => {
      const answer = await api.get(`${router}/explain?${question((n * 41) % rules.length)}`);
      if (answer.status !== 200 || answer.body.owner !== 'berth') throw new Error(JSON.stringify(answer.body));
    });
    const settled = times.slice(20); // the first ones warm the code up
    console.log(
      `  by ${name}: p50 ${rounded(percentile(settled, 0.5))} ms, p99 ${rounded(percentile(settled, 0.99))} ms (aim ≤ 20)`,
    );
  }
  const plain = await timed(120, (n) => api.get(`/v1/vms/${items[n * 7]?.vm_name}`));
  console.log(`  for comparison, a VM by its name: p50 ${rounded(percentile(plain.slice(20), 0.5))} ms`);
  const first = await timed(5, () => api.get(`${router}/config?at=2&format=lines`));
  const last = await timed(5, () => api.get(`${router}/config?at=${config.commit.number}&format=lines`));
  const diff = await timed(5, () => api.get(`${router}/diff?from=2&to=${config.commit.number}`));
  for (const [what, times] of Object.entries({ 'config at commit 2': first, 'config at the last': last, diff }))
    console.log(
      `  ${what}: first ${rounded(times[0] ?? 0, 0)} ms, again ${rounded(percentile(times.slice(1), 0.5), 0)} ms`,
    );
}

/** Again while the gateway is still warming up. Gives back where the bulk is. */
async function startBulk(api: RestClient, items: readonly object[]): Promise<string> {
  for (;;) {
    const { status, body, headers } = await api.post(
      '/v1/vms/bulk-provision',
      { items },
      { headers: { prefer: 'respond-async' } },
    );
    if (status === 202) return headers.get('location') ?? '';
    if (status !== 503) throw new Error(`the bulk answered ${status} ${JSON.stringify(body)}`);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

async function untilEnded(api: RestClient, path: string): Promise<void> {
  for (;;) {
    const { body } = await api.get(path);
    if (body.state === 'failed') throw new Error('the bulk failed');
    if (body.state === 'succeeded') return;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

async function timed(count: number, ask: (n: number) => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < count; n++) {
    const begun = performance.now();
    await ask(n);
    times.push(performance.now() - begun);
  }
  return times;
}

type Found = { readonly tree: { readonly nat: { readonly destination: { readonly rule: Record<string, RuleTree> } } } };
type RuleTree = Record<'destination' | 'translation', Record<'port' | 'address', Record<string, object>>>;

const ruleAt = (config: Found, rule = '') => config.tree.nat.destination.rule[rule];
const portOf = (config: Found, rule?: string) => Object.keys(ruleAt(config, rule)?.destination.port ?? {})[0];
const addressOf = (config: Found, rule?: string) => Object.keys(ruleAt(config, rule)?.translation.address ?? {})[0];
