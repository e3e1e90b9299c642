import type { SessionSchema, SessionTokensSchema } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Tokens } from '../../../app/sessions/open-session.ts';
import type { Session } from '../../../domain/sessions/session.ts';

/** Tokens as a message. Secret: for the answer alone. */
export const tokensMessage = (tokens: Tokens): MessageInitShape<typeof SessionTokensSchema> => ({
  accessToken: tokens.accessToken,
  accessSeconds: tokens.accessSeconds,
  refreshToken: tokens.refreshToken,
  refreshSeconds: tokens.refreshSeconds,
  ...(tokens.accessExpiresAt && { accessExpiresAt: timestampFromDate(tokens.accessExpiresAt) }),
  ...(tokens.refreshExpiresAt && { refreshExpiresAt: timestampFromDate(tokens.refreshExpiresAt) }),
});

/** A session as a message. */
export const sessionMessage = (session: Session): MessageInitShape<typeof SessionSchema> => ({
  id: session.id,
  device: session.device,
  clientAddress: session.clientAddress,
  createdAt: timestampFromDate(session.createdAt),
  lastSeenAt: timestampFromDate(session.lastSeenAt),
  ...(session.expiresAt && { expiresAt: timestampFromDate(session.expiresAt) }),
});
