import type { ConfigTree } from './config-tree.ts';
import { firstValueOf, nodeAt } from './normal-tree.ts';

/** What a router does with a commit that nobody confirms: it takes it back, it reboots, or its API knows no such commits. */
export type CommitConfirm = 'reload' | 'reboot' | 'absent';

/** Since the second quarter of 2025 the API takes a time within which a commit must be confirmed; the default is to reboot. */
export function commitConfirmOf(version: string, config: ConfigTree): CommitConfirm {
  const [, year, month] = /(20\d\d)\.?(\d\d)/.exec(version) ?? [];
  if (year === undefined || Number(`${year}${month}`) < 202_504) return 'absent';
  const action = firstValueOf(nodeAt(config, ['system', 'config-management', 'commit-confirm', 'action']));
  return action === 'reload' ? 'reload' : 'reboot';
}
