import { branchAt, sortedNames, valueAt } from '../domain/config-tree.ts';
import type { RouterState } from './router-state.ts';

/** True when this key opens the API: the keys of the running configuration do. */
export function isAcceptedKey(router: RouterState, key: string): boolean {
  const ids = branchAt(router.store.running, 'service', 'https', 'api', 'keys', 'id');
  return sortedNames(ids).some((id) => valueAt(ids, id, 'key') === key);
}
