import type { User } from '../../domain/users/user.ts';
import type { Asker } from '../asker.ts';
import type { AccountDeps } from './account-deps.ts';

/**
 * Whether `password` is the present one of `user`, who has signed in as `userId`. Failures are bounded as those of sign-ins are, and for
 * themselves: whoever has somebody's token must not guess the password with it. Throws `rate_limited` SIGN_IN_LIMITED.
 */
export async function isPresentPassword(
  { hasher, throttle }: Pick<AccountDeps, 'hasher' | 'throttle'>,
  { clientAddress }: Asker,
  { user, userId, password }: { user: User | undefined; userId: string; password: string },
): Promise<boolean> {
  const counted = `user ${userId}`; // nobody's name: names have no blanks
  await throttle.take(counted, clientAddress);
  const isRight = await hasher.verify(user?.passwordHash ?? null, password);
  if (isRight) await throttle.forgive(counted, clientAddress);
  return isRight;
}
