import type { SessionTokens } from '@berth/contracts';

/**
 * Tokens as their only answer shows them. Of an access token that is for ever `expires_in` is left out: OAuth 2 wants a number there, and its
 * clients refuse null.
 */
export const showTokens = (tokens: SessionTokens | undefined) => ({
  access_token: tokens?.accessToken,
  token_type: 'Bearer',
  ...(tokens !== undefined && tokens.accessSeconds > 0 && { expires_in: tokens.accessSeconds }),
  refresh_token: tokens?.refreshToken,
  refresh_expires_in: tokens?.refreshSeconds || null,
});
