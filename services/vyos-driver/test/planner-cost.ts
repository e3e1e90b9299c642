// The cost of planning, in processor time: `node services/vyos-driver/test/planner-cost.ts`. Prints JSON; `npm run bench -- planner` shows it.

import type { Fragment } from '../src/domain/changes/fragment.ts';
import type { OwnedContent, ResourceChange } from '../src/domain/changes/plan.ts';
import { planChanges } from '../src/domain/changes/plan-changes.ts';
import { dialectFor } from '../src/domain/dialects/dialect.ts';

const rulesOfVm = 4;
const rounds = 15;

function fragmentOf(vm: number, port: string): Fragment {
  const ipAddress = `10.${vm >> 16}.${(vm >> 8) & 255}.${vm & 255}`;
  const mapping = {
    network: 'LAN',
    subnet: '10.0.0.0/8',
    name: `vm-${vm}`,
    macAddress: '52:54:00:00:00:01',
    ipAddress,
  };
  const rules = Array.from({ length: rulesOfVm }, (_, at) => ({
    number: 10_000 + vm * rulesOfVm + at,
    inboundInterface: 'eth0',
    protocol: 'tcp' as const,
    destinationAddress: '192.0.2.1',
    destinationPort: String(20_000 + ((vm * rulesOfVm + at) % 40_000)),
    translationAddress: ipAddress,
    translationPort: port,
    sourceAddress: '',
    description: `vm-${vm} ${at}`,
    disabled: false,
  }));
  return { mapping, rules };
}

const dialect = dialectFor('1.5');
if (dialect === undefined) throw new Error('there is no dialect of 1.5');
const { contentOf } = dialect;
const nothing: OwnedContent = new Map();

/** The median processor time of `work`, in milliseconds. */
function cpuMs(work: () => number): number {
  const times = Array.from({ length: rounds }, () => {
    const before = process.cpuUsage();
    if (work() < 0) throw new Error('never');
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  });
  return times.sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
}

const vmsOfRequest = 250;

/** Written out in requests of a thousand rules, which are as many as the router takes in one: others are not held at once. */
function writtenOut(changes: readonly ResourceChange[]): number {
  let operations = 0;
  for (let at = 0; at < changes.length; at += vmsOfRequest) {
    operations += planChanges(changes.slice(at, at + vmsOfRequest)).operations.length;
  }
  return operations;
}

/** Planning so many rules, from fragments on: all new; one leaf of each different; one of a hundred VMs different. */
function measure(rules: number) {
  const vms = Array.from({ length: rules / rulesOfVm }, (_, at) => at);
  const wanted = vms.map((vm) => fragmentOf(vm, '22'));
  const applied = vms.map((vm) => fragmentOf(vm, '23'));
  // As often as makes the smaller one as long as the larger one.
  const times = Math.max(1, 20_000 / rules);
  const costOf = (
    from: (one: Fragment, vm: number) => OwnedContent,
    plan = (changes: readonly ResourceChange[]) => planChanges(changes).bodyBytes,
  ) =>
    cpuMs(() => {
      let done = 0;
      for (let time = 0; time < times; time += 1) {
        done += plan(wanted.map((one, vm) => ({ resourceId: `vm-${vm}`, from: from(one, vm), to: contentOf(one) })));
      }
      return done;
    }) / times;
  const contents = wanted.map(contentOf);
  const before = (one: Fragment, vm: number) => contentOf(applied[vm] ?? one);
  return {
    rules,
    standingMs: costOf((one, vm) => (vm % 100 === 0 ? before(one, vm) : (contents[vm] ?? nothing))),
    changedMs: costOf(before),
    madeMs: costOf(() => nothing),
    writtenMs: costOf(() => nothing, writtenOut),
  };
}

measure(1_000); // warms the code up
process.stdout.write(JSON.stringify([measure(1_000), measure(20_000)]));
