import { checkAll } from '../check-fields.ts';
import type { Forward } from './forward.ts';
import { absentForward, type TemplateForward } from './forward-template.ts';
import { checkShape, defaultsOf, type ForwardWish, plainWish, planForward } from './forward-wish.ts';

/**
 * The forwards that a new VM asks for (undefined: those of the template), followed by the rest of the template as absent ones. The
 * template's have the first numbers of the VM's block, the others one each behind them; counted from 0 until the block is known. Throws
 * `invalid` where a forward has no internal port, or where ports and sources do not fit together.
 */
export function planNewForwards(
  wishes: readonly ForwardWish[] | undefined,
  template: readonly TemplateForward[],
): Forward[] {
  const planned = (wishes ?? template.map(({ name }) => plainWish(name))).map((wish, index) =>
    planOne(wish, template, `ports[${index}]`),
  );
  const wished = new Set(planned.map(({ name }) => name));
  let next = template.length;
  return [...planned, ...template.filter(({ name }) => !wished.has(name)).map(absentForward)].map((forward) => {
    const index = template.findIndex(({ name }) => name === forward.name);
    return { ...forward, ofTemplate: index >= 0, blockRule: index >= 0 ? index : next++ };
  });
}

/** How many neighbouring rule numbers a VM with these forwards gets as its block; one at least, so that each VM has a base. */
export const blockLength = (planned: readonly Forward[]): number => Math.max(1, planned.length);

function planOne(wish: ForwardWish, template: readonly TemplateForward[], at: string): Forward {
  const entry = template.find(({ name }) => name === wish.name);
  const plan = planForward(wish, entry && defaultsOf(entry));
  checkAll((complain) => {
    // "SSH" beside the template's "ssh" would make two forwards that people cannot tell apart.
    const alike = template.find(({ name }) => name.toLowerCase() === wish.name.toLowerCase());
    if (alike && alike !== entry) complain(`${at}.name`, `must be written "${alike.name}"`);
    if (plan === undefined) complain(`${at}.internal_port`, 'is missing');
    else checkShape(plan, at, complain);
  });
  if (plan === undefined) throw new Error(`the forward ${wish.name} has no internal port`);
  return plan;
}
