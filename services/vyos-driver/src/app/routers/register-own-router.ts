import { berthItself } from '@berth/contracts';
import { normalFingerprint, type RouterTerms, sameTerms } from '../../domain/routers/router-settings.ts';
import type { RouterRegistry } from './router-registry.ts';

/** The router of a replica's environment. Its API key stays there. */
export interface OwnRouter {
  readonly name: string;
  readonly terms: RouterTerms;
  /** Of its API key under each master key, the one that writes first; none when there is none to make them with. */
  readonly keyFingerprints: readonly string[];
}

/**
 * Registers the router of the environment as that says now. Whether it is switched on stays as it was. Safe to repeat. That another master key
 * writes than before is no change of the router: its connection goes on.
 */
export async function registerOwnRouter(
  registry: Pick<RouterRegistry, 'change' | 'renameKey'>,
  { name, terms: given, keyFingerprints }: OwnRouter,
): Promise<void> {
  const terms = { ...given, fingerprint: normalFingerprint(given.fingerprint) };
  const [keyFingerprint = ''] = keyFingerprints;
  const isKey = (known: string) => known === keyFingerprint || keyFingerprints.includes(known);
  let otherwiseNamed: string | undefined;
  await registry.change(name, { author: berthItself }, (known) => {
    if (known?.fromSettings === true && sameTerms(known.terms, terms) && isKey(known.keyFingerprint)) {
      otherwiseNamed = known.keyFingerprint;
      return { kind: 'keep' };
    }
    const enabled = known?.enabled ?? true;
    const registration = { terms, sealedKey: undefined, keyFingerprint, fromSettings: true, enabled };
    return { kind: 'put', registration: { ...registration, connectionChanged: known !== undefined } };
  });
  if (otherwiseNamed !== undefined) await registry.renameKey(name, otherwiseNamed, keyFingerprint);
}
