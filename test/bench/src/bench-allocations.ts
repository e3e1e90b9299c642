import { inParallel, names } from '@berth/e2e';
import { onAllocatorAlone } from './allocator-alone.ts';
import { percentile, rounded } from './statistics.ts';

const router = { name: 'default', externalIp: '203.0.113.2', dhcpSubnet: '10.0.0.0/8' };

/**
 * VMs per second that are durably accepted (an address, 3 ports, 3 rule numbers), from 64 callers through NATS: by themselves, as while a
 * router works on its batch, and beside verdicts on each, as with a router that takes no time.
 */
export async function allocations(): Promise<void> {
  for (const applied of [null, true] as const) {
    const best = await bestOfThree(applied);
    const beside = applied === null ? 'while no verdicts come' : 'beside a verdict on each';
    console.log(
      `allocations: ${rounded(best, 0)} VMs/s accepted durably from 64 callers ${beside}, best of three rounds (aim ≥ 1000: ratio ${rounded(best / 1_000, 2)})`,
    );
  }
}

async function bestOfThree(applied: true | null): Promise<number> {
  const rates: number[] = [];
  await onAllocatorAlone({ routers: [router], applied }, async ({ provision, ended, untilEnded }) => {
    const warm = 2_000;
    await inParallel(names('warm', warm), 64, (vmName) => provision({ vmName }));
    if (applied) await untilEnded(warm);
    for (const round of [1, 2, 3]) {
      const count = 3_000;
      const before = ended.succeeded;
      const start = performance.now();
      const times = await inParallel(names(`vm-${round}`, count), 64, async (vmName) => {
        const begun = performance.now();
        await provision({ vmName });
        return performance.now() - begun;
      });
      rates.push(count / ((performance.now() - start) / 1_000));
      if (applied) await untilEnded(before + count);
      console.log(
        `  round ${round}: ${rounded(rates.at(-1) ?? 0, 0)} VMs/s, p50 ${rounded(percentile(times, 0.5))} ms, p99 ${rounded(percentile(times, 0.99))} ms`,
      );
    }
  });
  return Math.max(...rates);
}
