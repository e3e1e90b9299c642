import { DomainError } from '@berth/errors';
import { type Forward, moveBlock, portSpacesOf, stands, withFittingRules } from '../../domain/forwards/forward.ts';
import { formatIpv4, parseIpv4 } from '../../domain/ipv4.ts';
import { lengthOf, type NumberRange, overlapOf } from '../../domain/number-range.ts';
import type { Operation } from '../../domain/operations/operation.ts';
import type { Chosen, Demand } from '../../domain/values/choose-values.ts';
import {
  demandsFor,
  type Holding,
  holdingsOf,
  toHoldings,
  withoutHoldings,
  withTaken,
} from '../../domain/values/holdings.ts';
import { sourcesOf } from '../../domain/vms/place-vm.ts';
import type { Vm } from '../../domain/vms/vm.ts';
import { vmOf } from '../operation-progress.ts';
import { type Books, holderOf } from '../ports.ts';
import { sendRevision } from '../routers/change-router.ts';

/** A value of a change that others hold on the router. */
export interface RouterConflict {
  readonly kind: 'address' | 'mac' | 'mapping' | 'rule' | 'port';
  /** Address, MAC address or mapping name. */
  readonly value: string;
  /** Rule number, or external ports. */
  readonly numbers: NumberRange;
}

/** How often an operation gets other values before the router's conflict is its end. */
export const maxRetries = 3;

/** What is to be given up for others, and the forwards with what is to be chosen anew left open. */
interface Replacement {
  /** Reserved by the operation and needed no more. What stood before it stays held until the verdict. */
  readonly givenUp: readonly Holding[];
  readonly address?: Demand['address'];
  /** The VM's block goes with its address and ports staying. */
  readonly block?: true;
  readonly forwards: readonly Forward[];
}

/** The address and block are a new VM's own choice only; what stood before the operation is no choice of its. */
function replacementFor(
  vm: Vm,
  operation: Operation,
  { kind, value, numbers }: RouterConflict,
): Replacement | undefined {
  const forwards = operation.wanted?.forwards ?? [];
  const isNew = operation.kind === 'provision-vm';
  if (kind === 'address') {
    const address = parseIpv4(vm.internalIp);
    if (!isNew || value !== vm.internalIp || address === undefined) return undefined;
    const within = operation.addressRange ?? undefined;
    return { givenUp: [{ kind, held: { first: address, last: address }, slot: '' }], address: { within }, forwards };
  }
  if (kind === 'rule' && isNew && overlapOf(vm.rules, numbers)) {
    return { givenUp: [{ kind, held: vm.rules, slot: '' }], block: true, forwards };
  }
  if (kind !== 'rule' && kind !== 'port') return undefined;
  const standing = holdingsOf(vm.forwards);
  const chosen = withoutHoldings(operation.reserved, standing);
  const hit = forwards.find((forward) => isChosen(forward, kind, numbers, chosen));
  if (hit === undefined) return undefined;
  const open = kind === 'rule' ? { ...hit, ownRules: null } : withFittingRules({ ...hit, external: null });
  const replaced = forwards.map((forward) => (forward === hit ? open : forward));
  return { givenUp: withoutHoldings(chosen, holdingsOf(replaced)), forwards: replaced };
}

/** Whether the forward has one of these numbers because the operation chose it: neither did it stand before nor did the caller name it. */
function isChosen(forward: Forward, kind: 'rule' | 'port', numbers: NumberRange, chosen: readonly Holding[]): boolean {
  const held = kind === 'rule' ? forward.ownRules : forward.external;
  const hit = stands(forward) && held ? overlapOf(held, numbers) : undefined;
  if (hit === undefined || (kind === 'port' && forward.fixedPort !== 0)) return false;
  const spaces: readonly Holding['kind'][] = kind === 'rule' ? ['rule'] : portSpacesOf(forward.protocol);
  return chosen.some((one) => spaces.includes(one.kind) && overlapOf(one.held, hit));
}

/** What of the operation's own reservations is left, with what it got anew. */
const reservedAfter = ({ reserved }: Operation, givenUp: readonly Holding[], { taken }: Chosen): Holding[] => [
  ...withoutHoldings(reserved, givenUp),
  ...toHoldings(taken),
];

/**
 * Others hold what we chose for an operation, made since the newest inventory: gives it other values and sends it again. False when there
 * is nothing else to be had, when the caller named it, when the conflict is about a name, or when several operations share the revision:
 * then each is tried alone first.
 */
export async function chooseElsewhere(
  books: Books,
  operations: readonly Operation[],
  { conflict, stood }: { readonly conflict: RouterConflict; readonly stood: boolean },
): Promise<boolean> {
  const [operation, ...others] = operations;
  if (operation === undefined || others.length > 0 || operation.retries >= maxRetries) return false;
  const vm = vmOf(books, operation);
  const replacement = operation.wanted && replacementFor(vm, operation, conflict);
  if (!operation.wanted || !replacement) return false;
  const { givenUp, address, block, forwards } = replacement;
  const holder = holderOf(vm);
  const left = withoutHoldings([...holdingsOf(vm.forwards), ...operation.reserved], givenUp);
  const demands = demandsFor(forwards, left, vm.portRange ?? undefined);
  const rules = [...(block ? [{ slot: '', count: lengthOf(vm.rules) }] : []), ...demands.rules];
  const [chosen] = await books.values.reserve([
    { holder, demand: { address, ports: demands.ports, rules }, sources: sourcesOf(vm, await books.pools()) },
  ]);
  if (chosen === undefined || chosen instanceof DomainError) return false;
  await giveToNobody(books, vm, givenUp);
  const newBlock = chosen.rules.get('') ?? vm.rules;
  const moved = moveBlock(withTaken(forwards, chosen.taken), newBlock.first - vm.rules.first);
  const internalIp = chosen.address === undefined ? vm.internalIp : formatIpv4(chosen.address);
  sendRevision(books, { ...vm, internalIp, rules: newBlock }, [
    {
      ...operation,
      wanted: { ...operation.wanted, forwards: moved },
      reserved: reservedAfter(operation, givenUp, chosen),
      stood: operation.stood || stood,
      retries: operation.retries + 1,
    },
  ]);
  return true;
}

/** Into quarantine under nobody's name: so it is not chosen again, not even for the one that gives it up. */
function giveToNobody(books: Books, vm: Vm, holdings: readonly Holding[]): Promise<void> {
  const { router, site } = vm;
  const nobody = { ...holderOf(vm), vmName: '', ownerGroup: '' };
  return books.values.release([{ router, externalIp: site.externalIp, holder: nobody, holdings }], 'quarantine');
}
