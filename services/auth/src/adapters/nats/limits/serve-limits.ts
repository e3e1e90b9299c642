import { type LimitRule as LimitRuleMessage, LimitService, type Principal } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, serve } from '@berth/messaging';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { berthItself } from '../../../app/asker.ts';
import { addBlock, blockAbusers, liftBlock } from '../../../app/limits/change-blocks.ts';
import { changeLimits } from '../../../app/limits/change-limits.ts';
import { type Block, type BlockingTerms, checkSubject } from '../../../domain/limits/block.ts';
import type { LimitRule, LimitRules } from '../../../domain/limits/limit-rule.ts';
import { forEver } from '../../../domain/users/user.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { countRefusals, listBlocks } from '../../postgres/limits/block-rows.ts';
import { readRules } from '../../postgres/limits/limit-rows.ts';
import { usageOf } from '../../postgres/limits/quota-rows.ts';
import { assertAccess, serveCommand } from '../serve-command.ts';
import { serveQuota, windowMessage } from './serve-quota.ts';

interface Deps {
  readonly bus: Bus;
  readonly database: Database;
  readonly transactions: PostgresAuthTransactions;
  readonly blocking: BlockingTerms;
}

const { method } = LimitService;
const administering = { verb: 'limits:admin' } as const;
const usualPage = 100;
const largestPage = 500;

/** Answers LimitService. Gives back its stop, which waits for what is in work. */
export function serveLimits(deps: Deps): () => Promise<void> {
  const stops = [...serveRules(deps), ...serveBlocks(deps), ...serveQuota(deps)];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

const serveRules = (deps: Deps) => [
  serve(deps.bus, method.getLimits, async ({ principal }) => {
    assertAccess(principal, administering);
    return rulesMessage(await readRules(deps.database));
  }),
  serveCommand(deps, method.setLimits, { access: administering }, ({ context, rules }, _asker, inTransaction) =>
    inTransaction(async (transaction) => {
      const wanted = { rules: rules.map(toRule), ifVersion: Number(context?.ifVersion ?? 0n) };
      return rulesMessage(await changeLimits(transaction, wanted));
    }),
  ),
  serve(deps.bus, method.listUsage, async ({ principal, subject }) => {
    if (!isAboutAsker(principal, subject)) assertAccess(principal, administering);
    checkSubject(subject);
    const usages = await usageOf(deps.database, subject);
    return {
      usages: usages.map((usage) => ({
        window: windowMessage(usage),
        limit: BigInt(usage.limit),
        taken: BigInt(usage.taken),
      })),
    };
  }),
];

const serveBlocks = (deps: Deps) => [
  serve(deps.bus, method.reportRefusals, async ({ counts }) => {
    const { blocking: terms } = deps;
    if (terms.afterRefusals === 0 || counts.length === 0) return {};
    await deps.transactions.run(berthItself, async (transaction) => {
      const subjects = await countRefusals(transaction.sql, counts, terms.afterRefusals);
      if (subjects.length > 0) await blockAbusers(transaction, { subjects, terms });
    });
    return {};
  }),
  serve(deps.bus, method.listBlocks, async ({ principal, pageSize, pageToken }) => {
    assertAccess(principal, administering);
    const size = Math.min(pageSize || usualPage, largestPage);
    const { blocks, nextToken } = await listBlocks(deps.database, { size, token: pageToken });
    return { blocks: blocks.map(blockMessage), nextPageToken: nextToken };
  }),
  serveCommand(deps, method.addBlock, { access: administering }, (request, asker, inTransaction) =>
    inTransaction(async (transaction) => {
      const { subject, reason, seconds } = request;
      const block = await addBlock(transaction, asker, { subject, reason, seconds: Number(seconds) });
      return { block: blockMessage(block) };
    }),
  ),
  serveCommand(deps, method.liftBlock, { access: administering }, ({ subject }, _asker, inTransaction) =>
    inTransaction(async (transaction) => {
      await liftBlock(transaction, subject);
      return {};
    }),
  ),
];

/** Everybody may see what they used themselves. */
const isAboutAsker = (principal: Principal | undefined, subject: string): boolean =>
  principal !== undefined &&
  ((principal.userId !== '' && subject === `user:${principal.userId}`) ||
    (principal.kind === 'api_key' && subject === `key:${principal.id}`));

const toRule = ({ subject, endpointGroup, windowSeconds, requests, mode }: LimitRuleMessage): LimitRule => ({
  ...{ subject, endpointGroup, windowSeconds, mode },
  requests: Number(requests),
});

const rulesMessage = ({ rules, version }: LimitRules) => ({
  rules: rules.map((rule) => ({ ...rule, requests: BigInt(rule.requests) })),
  version: BigInt(version),
});

const blockMessage = ({ subject, reason, blockedAt, until, automatic, repetitions, by }: Block) => ({
  ...{ subject, reason, automatic, repetitions, by: by.id, byName: by.name },
  blockedAt: timestampFromDate(blockedAt),
  ...(until < forEver && { until: timestampFromDate(until) }),
});
