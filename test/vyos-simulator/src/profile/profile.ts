import type { ComponentRow } from '../domain/component.ts';
import type { ContainerSchema } from '../domain/schema.ts';
import { profile15 } from './profile-1-5.ts';

/** Everything that differs between versions of VyOS, as data. A version is a row here and the tables it names. */
export type Profile = {
  readonly name: string;
  readonly schema: ContainerSchema;
  readonly components: readonly ComponentRow[];
  /** Column at which a configuration script's error is wrapped (python/vyos/base.py). */
  readonly wrapErrorsAt: number;
  /** From 1.5 on `&`, `<` and `>` of an error text are escaped (T6736). */
  readonly escapesErrors: boolean;
  /** What `/show version` says. */
  readonly version: string;
  /** nginx's name and version in its own pages. */
  readonly proxy: string;
  /** Paths that nginx hands to the API process; everything else is its own 404. */
  readonly proxiedPaths: readonly string[];
};

export type ProfileName = '1.5-2024';

const profiles: Record<ProfileName, Profile> = { '1.5-2024': profile15 };

export const profileNames: readonly string[] = Object.keys(profiles);

export function isProfileName(text: string): text is ProfileName {
  return Object.hasOwn(profiles, text);
}

export function profileNamed(name: ProfileName): Profile {
  return profiles[name];
}
