import type { SessionTokens } from '@berth/contracts';

/** Tokens as their only answer shows them; null: for ever. */
export const showTokens = (tokens: SessionTokens | undefined) => ({
  access_token: tokens?.accessToken,
  token_type: 'Bearer',
  expires_in: tokens?.accessSeconds || null,
  refresh_token: tokens?.refreshToken,
  refresh_expires_in: tokens?.refreshSeconds || null,
});
