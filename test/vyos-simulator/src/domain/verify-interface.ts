import { type CommitView, type ConfigScript, type Finding, nothingFound } from './component.ts';
import { branchAt, type Path } from './config-tree.ts';

/** conf_mode/interfaces_ethernet.py, as far as the simulator goes: the hardware must be there. */
export class EthernetScript implements ConfigScript {
  verify(view: CommitView, owner: Path): Finding {
    const name = owner.at(-1) ?? '';
    if (branchAt(view.proposed, ...owner) === undefined || view.system.interfaces.has(name)) return nothingFound;
    return { warnings: [], error: `Interface "${name}" does not exist!` };
  }

  forget(): void {}
}
