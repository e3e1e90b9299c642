import { UserAdminService } from '@berth/contracts';
import { serve } from '@berth/messaging';
import { pageSizeOf } from '../../../app/page-token.ts';
import { acceptInvitation, createInvitation, revokeInvitation } from '../../../app/users/invite.ts';
import { faultsOfName } from '../../../domain/accounts/user-name.ts';
import { refuseFields } from '../../../domain/errors.ts';
import { hashOfMailToken } from '../../../domain/mails/mail-token.ts';
import { invitationInvalid } from '../../../domain/users/administration-errors.ts';
import { invitationPage, invitationWithToken } from '../../postgres/access/access-directory.ts';
import { userWithId } from '../../postgres/users/user-directory.ts';
import { assertAccess, serveCommand } from '../serve-command.ts';
import { invitationMessage, userMessage } from './access-messages.ts';
import type { UserAdminDeps } from './serve-users.ts';

const { method } = UserAdminService;
const access = { verb: 'users:admin' } as const;

/** Answers what UserAdminService says of invitations. Gives back its stops. */
export const serveInvitations = (deps: UserAdminDeps): (() => Promise<void>)[] => [
  serve(deps.bus, method.listInvitations, async ({ principal, pageSize, pageToken, onlyOpen }) => {
    assertAccess(principal, { verb: 'users:read' });
    const page = await invitationPage(deps.database, { size: pageSizeOf(pageSize), token: pageToken, onlyOpen });
    const now = new Date();
    return { invitations: page.items.map((one) => invitationMessage(one, now)), nextPageToken: page.nextToken };
  }),
  serveCommand(deps, method.createInvitation, { access }, (request, asker, inTransaction) => {
    const { email, name, expiresInDays: days } = request;
    const terms = { email, name, days, groups: [...new Set(request.groups)] };
    return inTransaction(async (transaction) => {
      const invitation = await createInvitation(transaction, asker, terms);
      return { invitation: invitationMessage(invitation, transaction.now) };
    });
  }),
  serveCommand(deps, method.revokeInvitation, { access }, ({ id }, _asker, inTransaction) =>
    inTransaction(async (transaction) => {
      await revokeInvitation(transaction, id);
      return {};
    }),
  ),
  serveCommand(deps, method.acceptInvitation, { access: 'anybody' }, async (request, _asker, inTransaction) => {
    const { token, password } = request;
    const { name, email } = await proposed(deps, token, request.name);
    refuseFields(faultsOfName(name));
    await deps.passwords.check(password, { name, email });
    const passwordHash = await deps.passwords.hash(password);
    return inTransaction(async (transaction) => {
      const user = await acceptInvitation(transaction, { token, name, passwordHash });
      return { user: userMessage(user, transaction.now) };
    });
  }),
];

/**
 * Whose password it will be. Whether the invitation still stands is asked in the transaction: a repeat of what was done already gets its
 * answer there. A token that nobody was ever given costs no hash.
 */
async function proposed({ database }: UserAdminDeps, token: string, asked: string) {
  const invitation = await invitationWithToken(database, hashOfMailToken(token));
  if (invitation === undefined) throw invitationInvalid();
  const { email, userId } = invitation;
  if (asked !== '') return { name: asked, email };
  const user = userId === null ? undefined : await userWithId(database, userId);
  return { name: user?.name ?? invitation.name, email };
}
