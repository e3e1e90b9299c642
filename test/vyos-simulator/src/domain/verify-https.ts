import { type CommitView, type ConfigScript, type Finding, nothingFound } from './component.ts';
import { branchAt, sortedNames, valueAt } from './config-tree.ts';

/** conf_mode/service_https.py. Since 1.5 it warns on every commit without a certificate of its own, and takes GraphQL tokens in place of keys. */
export class HttpsScript implements ConfigScript {
  readonly #since15: boolean;

  constructor(since15: boolean) {
    this.#since15 = since15;
  }

  verify(view: CommitView): Finding {
    const https = branchAt(view.proposed, 'service', 'https');
    if (https === undefined) return nothingFound;
    const warnings: string[] = [];
    if (this.#since15 && valueAt(https, 'certificates', 'certificate') === undefined) {
      warnings.push(
        'No certificate specified, using build-in self-signed certificates. Do not use them in a production environment!',
      );
    }
    const api = branchAt(https, 'api');
    if (api === undefined) return { warnings };
    const ids = branchAt(api, 'keys', 'id');
    const incomplete = sortedNames(ids).find((id) => valueAt(ids, id, 'key') === undefined);
    if (incomplete !== undefined) return { warnings, error: `Missing HTTPS API key string for key id "${incomplete}"` };
    if (!this.#since15)
      return ids === undefined ? { warnings, error: 'At least one HTTPS API key is required' } : { warnings };
    const tokens = valueAt(api, 'graphql', 'authentication', 'type') === 'token';
    if (ids !== undefined || tokens) return { warnings };
    return {
      warnings,
      error: 'At least one HTTPS API key is required unless GraphQL token authentication is enabled!',
    };
  }

  forget(): void {}
}
