import type { ComponentRow } from '../domain/component.ts';
import type { Path } from '../domain/config-tree.ts';
import type { ContainerSchema } from '../domain/schema.ts';
import { profile13 } from './profile-1-3.ts';
import { profile14 } from './profile-1-4.ts';
import { profile15 } from './profile-1-5.ts';
import { profile2025, profile2026 } from './profile-1-5-later.ts';

/** Everything that differs between versions of VyOS, as data. A version is a row here and the tables it names. */
export type Profile = {
  readonly name: ProfileName;
  readonly schema: ContainerSchema;
  readonly components: readonly ComponentRow[];
  /** Column at which a configuration script's error is wrapped (python/vyos/base.py). */
  readonly wrapErrorsAt: number;
  /** Whether programs that judge values say why in the answer; those of 1.3 say nothing. */
  readonly validatorsPrint: boolean;
  /** From 1.5 on `&`, `<` and `>` of an error text are escaped (T6736). */
  readonly escapesErrors: boolean;
  /** What a write that succeeds has as data: nothing, the warnings or null, or the commit's output ("" without any). */
  readonly successData: 'null' | 'warnings' | 'output';
  /** Around the name of an operation that an endpoint does not have. */
  readonly operationQuote: "'" | '"';
  /** The words for forms that are not in order. */
  readonly formWords: '1.3' | 'since 1.4';
  /** Status of a form without a key. */
  readonly missingKeyStatus: 401 | 422;
  /** What `/config-file save` answers. */
  readonly savedText: (file: string) => string;
  /** Makes deleting what is not there an error. */
  readonly strictPath: Path;
  /** Must be there for the API to be on; written where a key is put into a configuration. */
  readonly apiPath: Path;
  /** What `/show version` says. */
  readonly version: string;
  readonly releaseTrain: string;
  /** undefined: this version has no such line. */
  readonly releaseFlavor: string | undefined;
  /** `/show dhcp server static-mappings` is there. */
  readonly showsMappings: boolean;
  /** nginx's name and version in its own pages. */
  readonly proxy: string;
  /** Paths that nginx hands to the API process; everything else is its own 404. */
  readonly proxied: RegExp;
  /** What nginx makes of an API process that is away: its 502 page, or (1.3) a 200 that names an error. */
  readonly whenAway: 'page' | '200 with error';
  /** What is answered where the API is not switched on: nginx's page, that same 200, or a 404 of the process behind it. */
  readonly whenOff: '503 page' | '200 with error' | 'not found';
  /** Paths that the API process knows, all of them for POST. */
  readonly endpoints: readonly string[];
  /** `GET /info`, which needs no key (T4406). */
  readonly hasInfo: boolean;
  /** When the timer of a commit-confirm begins (T3955); undefined: there is none, and `confirm_time` is an unknown field. */
  readonly commitConfirm: 'before the commit' | 'after the commit' | undefined;
  /** `?in_background=true` on the endpoints that edit (T7090). */
  readonly worksInBackground: boolean;
  /** `/config-file merge`. */
  readonly merges: boolean;
  /** What `/config-file` waits for: loads for the lock of writes (saves for nothing), all of it for that lock, or for one of its own. */
  readonly filesWait: 'loads only' | 'with writes' | 'by themselves';
  /** Two overlapping writes can hang the whole API until a reboot (T8235): suffers the fault `freeze`. */
  readonly canFreeze: boolean;
};

export type ProfileName = '1.3' | '1.4' | '1.5-2024' | '1.5-2025' | '1.5-2026';

/** Oldest first: an upgrade goes downwards in this table. */
const profiles: Record<ProfileName, Profile> = {
  '1.3': profile13,
  '1.4': profile14,
  '1.5-2024': profile15,
  '1.5-2025': profile2025,
  '1.5-2026': profile2026,
};

export const profileNames: readonly ProfileName[] = Object.keys(profiles).filter(isProfileName);

export function isProfileName(text: string): text is ProfileName {
  return Object.hasOwn(profiles, text);
}

export function profileNamed(name: ProfileName): Profile {
  return profiles[name];
}
