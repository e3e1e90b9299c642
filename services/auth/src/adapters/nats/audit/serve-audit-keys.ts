import { AuditService } from '@berth/contracts';
import type { Bus } from '@berth/messaging';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type RotationDeps, rotateAuditKey } from '../../postgres/audit/rotate-audit-key.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { serveCommand } from '../serve-command.ts';

const { method } = AuditService;
const access = { verb: 'signing-keys:admin' } as const;

/** Answers who wants a new key of the audit log. Gives back its stop. */
export const serveAuditKeys = (deps: {
  readonly bus: Bus;
  readonly transactions: PostgresAuthTransactions;
  readonly rotation: RotationDeps;
}): (() => Promise<void>) =>
  serveCommand(deps, method.rotateAuditKey, { access }, (_request, _asker, inTransaction) =>
    inTransaction(async (transaction) => {
      const { key, entry } = await rotateAuditKey(transaction.sql, deps.rotation);
      if (entry !== undefined) transaction.audit(entry);
      const { id, publicKey, createdAt } = key;
      return { key: { id, publicKey, createdAt: timestampFromDate(createdAt), signing: true } };
    }),
  );
