import { type FragmentAt, HistoryService, type Moment } from '@berth/contracts';
import { askPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { Caller } from '../../../app/commands.ts';
import type { PastFragments } from '../../../app/restore/plan-rollback.ts';
import type { DesiredFragment } from '../../../domain/vms/desired-fragment.ts';
import { toPrincipal } from '../to-commands.ts';

const answerWithinMs = 5_000;
const nobodyThereMs = 3_000;
const { method } = HistoryService;

/** Asks the driver what Berth had on a router right after an entry of its history, page by page. */
export async function pastFragments(bus: Bus, caller: Caller, router: string, to: Moment): Promise<PastFragments> {
  const principal = toPrincipal(caller);
  const wait = { timeoutMs: answerWithinMs };
  const asked = { principal, router, commit: to };
  const { commit } = await askPatiently(() => request(bus, method.getCommit, asked, wait), nobodyThereMs);
  if (commit?.endedAt === undefined) throw new Error('an entry of the history has no end');
  const fragments: PastFragments['fragments'][number][] = [];
  for (let pageToken = ''; ; ) {
    const question = { principal, router, commitId: commit.id, pageToken };
    const page = await askPatiently(() => request(bus, method.listFragmentsAt, question, wait), nobodyThereMs);
    fragments.push(...page.fragments.map(toFragment));
    pageToken = page.nextPageToken;
    if (pageToken === '') return { at: timestampDate(commit.endedAt), fragments };
  }
}

const toFragment = ({ resourceId: vmId, ownerGroup, fragment }: FragmentAt) => ({
  ...{ vmId, ownerGroup },
  fragment: fragment?.mapping ? toDesired(fragment.mapping, fragment.rules) : null,
});

type Parts = Required<NonNullable<FragmentAt['fragment']>>;

const toDesired = (mapping: NonNullable<Parts['mapping']>, rules: Parts['rules']): DesiredFragment => ({
  mapping: {
    ...{ network: mapping.network, subnet: mapping.subnet, name: mapping.name },
    ...{ macAddress: mapping.macAddress, ipAddress: mapping.ipAddress, extra: leaves(mapping.extra) },
  },
  rules: rules.map(({ $typeName: _, $unknown: __, ...rule }) => ({ ...rule, extra: leaves(rule.extra) })),
});

const leaves = (extra: NonNullable<Parts['mapping']>['extra']) => extra.map(({ path, values }) => ({ path, values }));
