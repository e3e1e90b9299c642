import { checkAll, checkDescription, checkForwardName, checkSources, isPort } from '../check-fields.ts';
import type { Forward, ForwardProtocol } from './forward.ts';

/** A forward that every new VM gets unless it asks otherwise. */
export interface TemplateForward {
  readonly name: string;
  readonly protocol: ForwardProtocol;
  readonly internalPort: number;
  readonly sources: readonly string[];
  readonly description: string;
}

/** The forwards of new VMs, in the order of their rule numbers from the VM's base. */
export interface ForwardTemplate {
  readonly forwards: readonly TemplateForward[];
  readonly version: number;
}

const maxTemplateForwards = 32;

/** The template's forward `name`, as one of a VM that it never stood on. */
export const absentForward = (entry: TemplateForward): Forward => ({
  name: entry.name,
  protocol: entry.protocol,
  state: 'absent',
  internal: { first: entry.internalPort, last: entry.internalPort },
  external: null,
  externalCount: 1,
  fixedPort: 0,
  blockRule: null,
  ownRules: null,
  ofTemplate: false,
  sources: entry.sources,
  description: entry.description,
});

/** Throws when a template cannot be. */
export function checkTemplate(forwards: readonly TemplateForward[]): void {
  checkAll((complain) => {
    if (forwards.length > maxTemplateForwards) complain('forwards', `at most ${maxTemplateForwards}`);
    const seen = new Set<string>();
    for (const [index, forward] of forwards.entries()) {
      const at = `forwards[${index}]`;
      checkForwardName(forward.name, `${at}.name`, complain);
      if (seen.has(forward.name.toLowerCase())) complain(`${at}.name`, 'is there twice');
      seen.add(forward.name.toLowerCase());
      if (!isPort(forward.internalPort)) complain(`${at}.internal_port`, 'must be from 1 to 65535');
      checkSources(forward.sources, at, complain);
      checkDescription(forward.description, at, complain);
    }
  });
}
