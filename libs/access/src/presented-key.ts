import { DomainError } from '@berth/errors';
import { isAccessToken } from './authenticator.ts';
import { keyInvalid } from './key-cache.ts';

/** Keys are visible ASCII; anything else cannot be one and is not passed on. */
const keyPattern = /^[\x21-\x7e]{1,512}$/;
/** Names of many groups fit. */
const longestToken = 8_192;

const unauthenticated = (code: string, message: string) => new DomainError('unauthenticated', code, message);

/** The API key or access token that a caller shows, as `x-api-key` or as a bearer; throws `unauthenticated` when there is none, or two that differ. */
export function presentedKey(shown: { readonly apiKey: unknown; readonly authorization: string | undefined }): string {
  const own = shown.apiKey;
  const bearer = bearerOf(shown.authorization);
  if (own !== undefined && bearer !== undefined && own !== bearer) {
    throw unauthenticated('CREDENTIALS_DIFFER', 'X-API-Key and Authorization name different keys.');
  }
  const key = own ?? bearer;
  if (key === undefined)
    throw unauthenticated(
      'CREDENTIALS_MISSING',
      'Send an access token as a bearer, or an API key as X-API-Key or as a bearer.',
    );
  if (typeof key === 'string' && key.length <= longestToken && isAccessToken(key)) return key;
  if (typeof key !== 'string' || !keyPattern.test(key)) throw keyInvalid();
  return key;
}

function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const token = /^bearer +(\S.*)$/i.exec(authorization)?.[1];
  if (token === undefined) throw unauthenticated('CREDENTIALS_MISSING', 'Authorization must be "Bearer" and a key.');
  return token.trimEnd();
}
