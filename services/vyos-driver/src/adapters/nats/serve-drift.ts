import {
  authorOf,
  DriftPolicy,
  DriftService,
  type DriftRule as RuleMessage,
  requireEverywhere,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, serve } from '@berth/messaging';
import { type CheckDriftDeps, checkDrift, checkRules } from '../../app/drift/check-drift.ts';
import type { DriftRule } from '../../domain/drift/drift.ts';
import { type PostgresDriftDirectory, policiesMessage } from '../postgres/drift/postgres-drift-directory.ts';

const defaultPage = 100;
/** A page must fit into a message. */
const mostPage = 200;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Answers DriftService on any replica. Gives back its stop. */
export function serveDrift(
  bus: Bus,
  directory: PostgresDriftDirectory,
  checking: Omit<CheckDriftDeps, 'directory'>,
): () => Promise<void> {
  const { method } = DriftService;
  const stops = [
    serve(bus, method.checkDrift, async ({ principal, router, repair, waitMs }) => {
      requireEverywhere(principal, 'routers:admin');
      const done = await checkDrift({ ...checking, directory }, { router, repair, waitMs });
      return { report: await directory.report(router), done };
    }),
    serve(bus, method.getDrift, async ({ principal, router, pageSize, pageToken, ended }) => {
      requireEverywhere(principal, 'routers:read');
      const report = await directory.report(router);
      const limit = Math.min(pageSize || defaultPage, mostPage);
      const page = await directory.items(router, { after: itemOf(pageToken), limit, ended });
      return { report, items: [...page.items], nextPageToken: page.next };
    }),
    serve(bus, method.listDriftReports, async ({ principal }) => {
      requireEverywhere(principal, 'routers:read');
      return { reports: [...(await directory.reports())] };
    }),
    serve(bus, method.listDriftPolicies, async ({ principal, router }) => {
      requireEverywhere(principal, 'routers:read');
      const { rules, tag } = policiesMessage(await directory.policies(router));
      return { rules, tag };
    }),
    serve(bus, method.setDriftPolicies, async ({ principal, router, rules, ifTag, idempotency: key, origin }) => {
      requireEverywhere(principal, 'routers:admin');
      const wanted = rules.map(toRule);
      checkRules(wanted);
      const author = authorOf(principal, origin);
      const now = await directory.setPolicies(router, wanted, { ifTag, key, author });
      checking.wake(router);
      return now;
    }),
  ];
  return async () => void (await Promise.all(stops.map((stop) => stop())));
}

function itemOf(pageToken: string): string {
  if (pageToken === '' || uuid.test(pageToken)) return pageToken;
  throw new DomainError('invalid', 'PAGE_TOKEN_INVALID', 'That page token was not given out here.');
}

const policyOf: Record<DriftPolicy, DriftRule['policy'] | undefined> = {
  [DriftPolicy.UNSPECIFIED]: undefined,
  [DriftPolicy.REPORT]: 'report',
  [DriftPolicy.REPAIR]: 'repair',
  [DriftPolicy.ACCEPT]: 'accept',
};

function toRule({ path, policy }: RuleMessage): DriftRule {
  const known = policyOf[policy];
  if (known === undefined) {
    throw new DomainError('invalid', 'MALFORMED_COMMAND', 'A policy is neither report nor repair nor accept.');
  }
  return { path, policy: known };
}
