import { AccountService } from '@berth/contracts';
import { type Bus, serve } from '@berth/messaging';
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { AccountDeps, Prepared } from '../../../app/accounts/account-deps.ts';
import { changeEmail, confirmEmail } from '../../../app/accounts/change-email.ts';
import { changePassword, forgotPassword, resetPassword } from '../../../app/accounts/change-password.ts';
import { deleteAccount } from '../../../app/accounts/delete-account.ts';
import { getAccount, getPublicProfile, viewOfAccount } from '../../../app/accounts/read-account.ts';
import { registerAccount, resendVerification, verifyEmail } from '../../../app/accounts/register-account.ts';
import { updateAccount } from '../../../app/accounts/update-account.ts';
import type { Asker } from '../../../app/asker.ts';
import type { GroupStore } from '../../../app/users/group-store.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { assertAccess, serveCommand } from '../serve-command.ts';
import { toAccountMessage } from './account-message.ts';

type Deps = AccountDeps & {
  readonly bus: Bus;
  readonly transactions: PostgresAuthTransactions;
  readonly groups: Pick<GroupStore, 'byNames'>;
  /** There may be a new wish for a mail. */
  readonly mailAsked: () => void;
};

const { method } = AccountService;

/** Answers AccountService. Gives back its stop, which waits for what is in work. */
export function serveAccounts(deps: Deps): () => Promise<void> {
  const stops = [...servedToAnybody(deps), ...servedToUsers(deps), ...servedReads(deps)];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

function servedToAnybody(deps: Deps) {
  const open = answering(deps, 'anybody');
  return [
    open(method.registerAccount, (request) => registerAccount(deps, request)),
    open(method.verifyEmail, async (request) => verifyEmail(deps, request)),
    open(method.resendVerification, async (request) => resendVerification(request)),
    open(method.forgotPassword, async (request) => forgotPassword(request)),
    open(method.resetPassword, (request, asker) => resetPassword(deps, asker, request)),
    open(method.confirmEmail, async (request) => confirmEmail(request)),
  ];
}

function servedToUsers(deps: Deps) {
  const own = answering(deps, 'user');
  return [
    own(method.changePassword, ({ currentPassword: current, newPassword: next }, asker) =>
      changePassword(deps, asker, { userId: userOf(asker), current, next }),
    ),
    own(method.changeEmail, ({ email, password }, asker) =>
      changeEmail(deps, asker, { userId: userOf(asker), email, password }),
    ),
    own(method.deleteAccount, ({ password }, asker) => deleteAccount(deps, asker, { userId: userOf(asker), password })),
    serveCommand(deps, method.updateAccount, { access: 'user' }, (request, asker, inTransaction) => {
      const { name, profile, publicFields, context } = request;
      const changes = { name: name === '' ? undefined : name, profile, publicFields: publicFields?.names };
      const update = updateAccount(userOf(asker), changes, context?.ifVersion ?? 0n);
      return inTransaction(async (transaction) => ({
        account: toAccountMessage(await viewOfAccount(transaction.groups, await update(transaction))),
      }));
    }),
  ];
}

function servedReads(deps: Deps) {
  return [
    serve(deps.bus, method.getAccount, async ({ principal }) => {
      assertAccess(principal, 'user');
      return { account: toAccountMessage(await getAccount(deps, principal?.userId ?? '')) };
    }),
    serve(deps.bus, method.getPublicProfile, async ({ principal, name }) => {
      assertAccess(principal, 'user');
      const { createdAt, ...shown } = await getPublicProfile(deps, name, new Date());
      return { ...shown, createdAt: timestampFromDate(createdAt) };
    }),
  ];
}

/** Serves commands that answer nothing: what they prepare runs in the transaction. */
const answering =
  (deps: Deps, access: 'anybody' | 'user') =>
  <I extends DescMessage, O extends DescMessage>(
    served: DescMethodUnary<I, O>,
    prepare: (request: MessageShape<I>, asker: Asker) => Promise<Prepared>,
  ) =>
    serveCommand(deps, served, { access }, async (request, asker, inTransaction) => {
      const prepared = await prepare(request, asker);
      const answer = await inTransaction(async (transaction) => {
        await prepared(transaction);
        return {} as MessageInitShape<O>; // these answers have no fields
      });
      deps.mailAsked();
      return answer;
    });

const userOf = ({ principal }: Asker): string => principal?.userId ?? '';
