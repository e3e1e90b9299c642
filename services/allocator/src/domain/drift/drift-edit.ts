import { DomainError } from '@berth/errors';
import type { ForwardEdit, ForwardsEdit } from '../forwards/edit-forwards.ts';
import { type Forward, ruleNumbersOf, stands } from '../forwards/forward.ts';
import { isRouterText, ruleDescription } from '../text-rules.ts';
import type { Vm } from '../vms/vm.ts';

/** A rule of a VM as somebody changed it on the router; what is not named is as it was. */
export interface FoundRule {
  readonly number: number;
  readonly deleted: boolean;
  readonly disabled: boolean;
  readonly description: string;
}

/** What must be asked of a VM's forwards so that what was found is what is wanted. Throws `conflict` where forwards cannot say it. */
export function editForDrift(vm: Vm, rules: readonly FoundRule[]): ForwardsEdit {
  const left = new Map(rules.map((rule) => [rule.number, rule]));
  const update: ForwardEdit[] = [];
  const deleted: string[] = [];
  for (const forward of vm.forwards.filter(stands)) {
    const found = foundOf(forward, left);
    if (found === undefined) continue;
    if (found.deleted) deleted.push(forward.name);
    else update.push({ name: forward.name, enabled: !found.disabled, ...describedAs(vm, forward, found) });
  }
  const [strange] = left.keys();
  if (strange !== undefined) throw notAcceptable(`Rule ${strange} belongs to no forward of the VM.`);
  return { create: [], update, delete: deleted };
}

/** A forward may be several rules: they are changed together or not at all. Takes them out of `left`. */
function foundOf(forward: Forward, left: Map<number, FoundRule>): FoundRule | undefined {
  const numbers = ruleNumbersOf(forward);
  const found = numbers.flatMap((number) => left.get(number) ?? []);
  const [first] = found;
  if (first === undefined) return undefined;
  const isSame = (rule: FoundRule) =>
    rule.deleted === first.deleted && rule.disabled === first.disabled && rule.description === first.description;
  if (found.length < numbers.length || !found.every(isSame)) {
    throw notAcceptable(`The forward ${forward.name} is ${numbers.length} rules, and not all were changed alike.`);
  }
  for (const number of numbers) left.delete(number);
  return first;
}

function describedAs(vm: Vm, forward: Forward, { description }: FoundRule): Pick<ForwardEdit, 'description'> {
  if (description === ruleDescription(vm.name, forward)) return {};
  if (!isRouterText(description) || description === '') throw notAcceptable('The description cannot be taken over.');
  return { description };
}

const notAcceptable = (message: string) => new DomainError('conflict', 'DRIFT_NOT_ACCEPTABLE', message);
