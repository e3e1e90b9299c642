import { DomainError } from '@berth/errors';

/** A whole configuration as a file on its router. */
export interface RouterFile {
  readonly name: string;
  /** `asked`: it waits for its turn, or for a router that is away. */
  readonly state: 'asked' | 'saved' | 'failed';
  readonly askedAt: Date;
  /** The name of who asked. */
  readonly askedBy: string;
  readonly savedAt: Date | undefined;
  /** The newest entry of the router's history when it was saved. */
  readonly commitNumber: bigint | undefined;
  /** Why it is not there. */
  readonly message: string;
}

const names = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Right in /config, which every router has and keeps when it is upgraded: the API makes no folders, and saving into one that is not there fails. */
export const pathOfFile = (name: string): string => `/config/berth-backup-${name}.boot`;

/** Throws unless a file can be called so. */
export function checkFileName(name: string): void {
  if (names.test(name)) return;
  const message = 'letters, digits, dots, dashes and underscores, at most 64, a letter or digit first';
  throw new DomainError('invalid', 'INVALID_REQUEST', `name: ${message}`, { fields: [{ field: 'name', message }] });
}

export const fileExists = (name: string): DomainError =>
  new DomainError('conflict', 'ROUTER_FILE_EXISTS', `There is a file ${name} already. Files are never overwritten.`);
