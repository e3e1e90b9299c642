import type { AccountSchema } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { AccountView } from '../../../app/accounts/read-account.ts';

/** An account as a message. */
export const toAccountMessage = ({ user, grants }: AccountView): MessageInitShape<typeof AccountSchema> => ({
  ...{ id: user.id, name: user.name, email: user.email ?? '', version: BigInt(user.version) },
  ...{ profile: { ...user.profile }, publicFields: [...user.publicFields], groups: [...user.groups] },
  grants: grants.map(({ group, permissions }) => ({ group, permissions: [...permissions] })),
  hasPassword: user.passwordHash !== null,
  createdAt: timestampFromDate(user.createdAt),
  updatedAt: timestampFromDate(user.updatedAt),
  ...(user.emailVerifiedAt && { emailVerifiedAt: timestampFromDate(user.emailVerifiedAt) }),
  ...(user.lastSignInAt && { lastSignInAt: timestampFromDate(user.lastSignInAt) }),
});
