import { inParallel, names } from '@berth/e2e';
import { onAllocatorAlone } from './allocator-alone.ts';
import { percentile, rounded } from './statistics.ts';

const router = { name: 'default', externalIp: '203.0.113.2', dhcpSubnet: '10.0.0.0/8' };

/** VMs per second that are durably accepted (an address, 3 ports, 3 rule numbers), from 64 callers through NATS, while the router takes all. */
export async function allocations(): Promise<void> {
  await onAllocatorAlone({ routers: [router], applied: true }, async ({ provision, ended, untilEnded }) => {
    const warm = 2_000;
    await inParallel(names('warm', warm), 64, (vmName) => provision({ vmName }));
    await untilEnded(warm);
    const rates: number[] = [];
    for (const round of [1, 2, 3]) {
      const count = 3_000;
      const before = ended.succeeded;
      const start = performance.now();
      const times = await inParallel(names(`vm-${round}`, count), 64, async (vmName) => {
        const begun = performance.now();
        await provision({ vmName });
        return performance.now() - begun;
      });
      const accepted = (performance.now() - start) / 1_000;
      await untilEnded(before + count);
      const settled = (performance.now() - start) / 1_000;
      rates.push(count / accepted);
      console.log(
        `  round ${round}: ${rounded(count / accepted, 0)} VMs/s accepted, p50 ${rounded(percentile(times, 0.5))} ms, p99 ${rounded(percentile(times, 0.99))} ms; ${rounded(count / settled, 0)} VMs/s to the end of their operations`,
      );
    }
    const best = Math.max(...rates);
    console.log(
      `allocations: ${rounded(best, 0)} VMs/s accepted durably from 64 callers in the best of three rounds (aim ≥ 1000: ratio ${rounded(best / 1_000, 2)}), ${ended.failed} failed`,
    );
  });
}
