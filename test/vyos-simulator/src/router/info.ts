import { valueAt } from '../domain/config-tree.ts';
import { type Answer, refused, success } from './answer.ts';
import type { RouterState } from './router-state.ts';

const SWITCHES = ['version', 'hostname'];
const TRUE = ['true', '1', 'yes', 'on', 't', 'y'];
const FALSE = ['false', '0', 'no', 'off', 'f', 'n'];

/** `GET /info`: version, host name and banner, for anybody; the query switches the first two off. */
export function info({ profile, store }: RouterState, query: URLSearchParams): Answer {
  for (const [name, value] of query) {
    if (!SWITCHES.includes(name))
      return refused(
        `{'type': 'extra_forbidden', 'loc': ('query', '${name}'), 'msg': 'Extra inputs are not permitted', 'input': '${value}'}`,
      );
    if (![...TRUE, ...FALSE].includes(value.toLowerCase()))
      return refused(
        `{'type': 'bool_parsing', 'loc': ('query', '${name}'), 'msg': 'Input should be a valid boolean, unable to interpret input', 'input': '${value}'}`,
      );
  }
  const isOn = (name: string): boolean => !FALSE.includes(query.get(name)?.toLowerCase() ?? 'true');
  return success(
    new Map([
      ['banner', 'Welcome to VyOS'],
      ['hostname', isOn('hostname') ? (valueAt(store.running, 'system', 'host-name') ?? 'vyos') : ''],
      ['version', isOn('version') ? profile.version : ''],
    ]),
  );
}
