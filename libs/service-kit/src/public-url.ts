import type { EnvReader } from './config-reader.ts';

/**
 * `BERTH_PUBLIC_URL`: where people reach this installation, without a slash at its end. Plain HTTP is for this machine alone: passwords and
 * tokens travel to that address, and mails lead there.
 */
export function readPublicUrl(read: EnvReader): string {
  const text = read.url('BERTH_PUBLIC_URL', { fallback: 'http://127.0.0.1:8800' });
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' && !isThisMachine(url.hostname)) {
    read.reject(
      'BERTH_PUBLIC_URL is plain HTTP, and not of this machine: passwords and tokens could be read on their way. Let something in front do TLS, and set its https: address',
    );
  } else if (url !== undefined && url.protocol !== 'http:' && url.protocol !== 'https:') {
    read.reject('BERTH_PUBLIC_URL must begin with https:');
  } else if (url !== undefined && `${url.username}${url.password}${url.search}${url.hash}` !== '') {
    read.reject(
      'BERTH_PUBLIC_URL must have no user, password, query or fragment: everybody sees it, and links go on from it',
    );
  }
  return text.replace(/\/+$/, '');
}

/** As URLs write hosts: IPv4 in four parts, IPv6 in brackets. */
const isThisMachine = (host: string): boolean =>
  host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host) || /^(.+\.)?localhost$/.test(host);
