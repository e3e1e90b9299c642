import { DomainError } from '@berth/errors';
import type { Forward } from '../domain/forward.ts';
import { formatIpv4 } from '../domain/ipv4.ts';
import { includes, lengthOf } from '../domain/number-range.ts';
import type { Operation } from '../domain/operation.ts';
import { sourcesOf } from '../domain/place-vm.ts';
import type { Vm } from '../domain/vm.ts';
import { sendRevision } from './change-router.ts';
import { vmOf } from './operation-progress.ts';
import type { Books, Holder } from './ports.ts';
import { holderOf } from './provision-vm.ts';

/** How often a provision gets other values before the router's conflict is its end. */
const maxTries = 3;

/** What the router's words say is taken, if it is a value that we chose: the forward whose port it is, or `''` for address and rules. */
function takenSlot(vm: Vm, words: string): string | undefined {
  const address = /^The address (\S+) is taken on the router/.exec(words)?.[1];
  if (address !== undefined) return address === vm.internalIp ? '' : undefined;
  const rule = /^The destination rule (\d+) exists on the router/.exec(words)?.[1];
  if (rule !== undefined) return includes(vm.rules, { first: Number(rule), last: Number(rule) }) ? '' : undefined;
  const port = Number(/^The external port (\d+) is taken on the router/.exec(words)?.[1] ?? 0);
  return vm.wanted?.find(({ externalPort, fixedPort }) => fixedPort === 0 && port > 0 && externalPort === port)?.name;
}

/** In quarantine under nobody's name: so they are not chosen again, not even for the one that gives them up. Address and rules go together. */
const nobodys = (holder: Holder): Holder => ({ ...holder, vmName: '', ownerGroup: '' });

/**
 * Others hold what we chose for a new VM, made since the newest inventory: gives it other values and sends it again. False when there is
 * nothing else to be had, when the caller named it, or when the conflict is about a name.
 */
export async function chooseElsewhere(books: Books, operation: Operation, words: string): Promise<boolean> {
  const vm = vmOf(books, operation);
  if (operation.kind !== 'provision-vm' || vm.wanted === null || vm.revision > maxTries) return false;
  const slot = takenSlot(vm, words);
  if (slot === undefined) return false;
  const holder = holderOf(operation);
  const forward = vm.wanted.find(({ name }) => name === slot);
  const demand = {
    address: slot === '' ? { within: operation.addressRange ?? undefined } : undefined,
    rules: slot === '' ? [{ slot: '', count: lengthOf(vm.rules) }] : [],
    ports: forward ? [{ slot, protocol: forward.protocol, count: 1, exact: 0, within: vm.portRange ?? undefined }] : [],
  };
  await books.values.release([{ router: vm.router, holder: nobodys(holder), slots: [slot] }], 'quarantine');
  const [chosen] = await books.values.reserve([{ holder, demand, sources: sourcesOf(vm, await books.pools()) }]);
  if (chosen === undefined || chosen instanceof DomainError) return false;
  const rules = chosen.rules.get('') ?? vm.rules;
  const wanted: Forward[] = vm.wanted.map((one) => ({
    ...one,
    externalPort: chosen.ports.get(one.name) ?? one.externalPort,
    ruleNumber: one.ruleNumber - vm.rules.first + rules.first,
  }));
  const internalIp = chosen.address === undefined ? vm.internalIp : formatIpv4(chosen.address);
  sendRevision(books, { ...vm, internalIp, rules }, [{ ...operation, wanted }]);
  return true;
}
