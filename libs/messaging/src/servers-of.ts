/** Where to connect and as whom. */
export interface Servers {
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
  /** Present: the connection must be encrypted, verified against the system's authorities. */
  readonly tls?: Record<string, never>;
}

/**
 * A comma list of `nats://` or `tls://` URLs as the client takes it. Credentials are those of the first URL that has any: a user and a
 * password, or a token in the user's place. One `tls://` encrypts all.
 */
export function serversOf(list: string): Servers {
  const urls = list
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
    .map((one) => new URL(one.includes('://') ? one : `nats://${one}`));
  const named = urls.find((url) => url.username !== '');
  return {
    servers: urls.map((url) => url.host),
    ...(named === undefined ? {} : credentialsOf(named)),
    ...(urls.some((url) => url.protocol === 'tls:') ? { tls: {} } : {}),
  };
}

const credentialsOf = (url: URL): Pick<Servers, 'user' | 'pass' | 'token'> => {
  const name = decodeURIComponent(url.username);
  return url.password === '' ? { token: name } : { user: name, pass: decodeURIComponent(url.password) };
};
