import type { AccessFactSchema } from '@berth/contracts';
import { AccessPositionSchema, AccessService, LimitService, subjects } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { notify } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { GatewayUnderTest } from './gateway-under-test.ts';

type Fact = NonNullable<MessageInitShape<typeof AccessFactSchema>['fact']>;

/** A rule as auth writes it. */
export const aRule = (rule: Partial<Record<string, string | number>> = {}) => ({
  ...{ subject: 'key', endpoint_group: '', window_seconds: 3_600, requests: 100, mode: 'block', ...rule },
});

/** Auth as far as limits go, with one counter for all gateways, as its table is. */
export async function playLimits(gateway: GatewayUnderTest) {
  const facts: MessageInitShape<typeof AccessFactSchema>[] = [];
  const taken = new Map<string, number>();
  const played = {
    taken,
    leases: 0,
    refusals: new Map<string, number>(),
    away: false,
    /** What auth says of the time; undefined: nothing. */
    now: undefined as Date | undefined,
    /** Tells everybody a fact. */
    tell(fact: Fact) {
      facts.push({ position: BigInt(facts.length + 1), fact });
      notify(gateway.bus, subjects.accessPosition, AccessPositionSchema, { position: BigInt(facts.length) });
    },
    rules: (...rules: ReturnType<typeof aRule>[]) =>
      played.tell({ case: 'limits', value: { rules: JSON.stringify({ rules }) } }),
    block: (subject: string, until: Date) =>
      played.tell({ case: 'block', value: { subject, reason: 'Scans.', until: timestampFromDate(until) } }),
  };
  gateway.answer(AccessService.method.getAccessFacts, ({ after }) => ({
    facts: facts.slice(Number(after)),
    position: BigInt(facts.length),
  }));
  gateway.answer(LimitService.method.leaseQuota, ({ asks }) => {
    if (played.away) throw new DomainError('unavailable', 'DATABASE_UNAVAILABLE', 'Away.');
    if (asks.length > 0) played.leases++;
    return {
      ...(played.now && { now: timestampFromDate(played.now) }),
      grants: asks.map(({ window, limit, needed, extra }) => {
        const name = `${window?.subject} ${window?.endpointGroup} ${window?.windowSeconds} ${window?.windowStart}`;
        const before = taken.get(name) ?? 0;
        const left = Math.max(0, Number(limit) - before);
        const granted = Math.min(left, needed) + Math.min(extra, Math.floor(Math.max(0, left - needed) / 8));
        taken.set(name, before + granted);
        return { granted, taken: BigInt(before + granted) };
      }),
    };
  });
  gateway.answer(LimitService.method.returnQuota, ({ returns }) => {
    for (const { window, units } of returns) {
      const name = `${window?.subject} ${window?.endpointGroup} ${window?.windowSeconds} ${window?.windowStart}`;
      taken.set(name, (taken.get(name) ?? 0) - units);
    }
    return {};
  });
  gateway.answer(LimitService.method.reportRefusals, ({ counts }) => {
    for (const { subject, refusals } of counts) {
      played.refusals.set(subject, (played.refusals.get(subject) ?? 0) + refusals);
    }
    return {};
  });
  await gateway.bus.connection.flush();
  return played;
}
