import { berthItself } from '@berth/contracts';
import { normalFingerprint, type RouterTerms, sameTerms } from '../../domain/routers/router-settings.ts';
import type { RouterRegistry } from './router-registry.ts';

/** The router of a replica's environment. Its API key stays there. */
export interface OwnRouter {
  readonly name: string;
  readonly terms: RouterTerms;
  /** Empty when there is no master key to make it with. */
  readonly keyFingerprint: string;
}

/** Registers the router of the environment as that says now. Whether it is switched on stays as it was. Safe to repeat. */
export async function registerOwnRouter(
  registry: Pick<RouterRegistry, 'change'>,
  { name, terms: given, keyFingerprint }: OwnRouter,
): Promise<void> {
  const terms = { ...given, fingerprint: normalFingerprint(given.fingerprint) };
  await registry.change(name, { author: berthItself }, (known) => {
    const same =
      known?.fromSettings === true && sameTerms(known.terms, terms) && known.keyFingerprint === keyFingerprint;
    if (same) return { kind: 'keep' };
    const enabled = known?.enabled ?? true;
    const registration = { terms, sealedKey: undefined, keyFingerprint, fromSettings: true, enabled };
    return { kind: 'put', registration: { ...registration, connectionChanged: known !== undefined } };
  });
}
