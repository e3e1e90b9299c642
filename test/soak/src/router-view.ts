import type { Simulator } from '@berth/vyos-simulator';

export type Things = Readonly<Record<string, unknown>>;

const rulesPath = ['nat', 'destination', 'rule'];
const mappingsPath = [
  ...['service', 'dhcp-server', 'shared-network-name', 'LAN'],
  ...['subnet', '10.10.0.0/16', 'static-mapping'],
];

const isThings = (node: unknown): node is Things => typeof node === 'object' && node !== null;

function at(config: unknown, path: readonly string[]): Things {
  let node = config;
  for (const name of path) node = isThings(node) ? node[name] : undefined;
  return isThings(node) ? node : {};
}

/** What stands on the router where Berth and people make things, and all the rest of it. */
export class RouterView {
  readonly #router: Simulator;

  constructor(router: Simulator) {
    this.#router = router;
  }

  rules(tree: 'running' | 'saved' = 'running'): Things {
    return at(this.#router.config(tree), rulesPath);
  }

  mappings(tree: 'running' | 'saved' = 'running'): Things {
    return at(this.#router.config(tree), mappingsPath);
  }

  /** Everything else, as text. */
  rest(): string {
    const config = structuredClone(this.#router.config('running'));
    for (const path of [rulesPath, mappingsPath]) {
      const parent = at(config, path.slice(0, -1));
      Reflect.deleteProperty(parent, path.at(-1) ?? '');
    }
    const nat = at(config, ['nat']);
    if (Object.keys(at(nat, ['destination'])).length === 0) Reflect.deleteProperty(nat, 'destination'); // an emptied node stays
    return JSON.stringify(config);
  }
}
