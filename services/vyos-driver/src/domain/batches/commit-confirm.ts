import type { ConfigTree } from '../config-tree.ts';
import type { Dialect } from '../dialects/dialect.ts';
import { firstValueOf, nodeAt } from '../normal-tree.ts';

/** What the operator wants. */
export interface CommitConfirmWish {
  /** Minutes after which the router takes an unconfirmed commit back; 0: commits are not confirmed. */
  readonly minutes: number;
}

/**
 * Whether commits on a router are confirmed, and why not. `off`: switched off here. `unavailable`: its version, its backend or its settings do not
 * allow it. `would_reboot`: it would not take a commit back but reboot, which is worse than what it guards against.
 */
export interface CommitConfirm {
  readonly state: 'active' | 'off' | 'unavailable' | 'would_reboot';
  /** For people; empty while it is active. */
  readonly reason: string;
  /** Until an unconfirmed commit is taken back; 0 unless active. */
  readonly minutes: number;
}

/** Unless told otherwise in its configuration, VyOS reboots. */
const defaultAction = 'reboot';

/**
 * What the router with this whole configuration allows. `ignores`: it took a `confirm_time` before without a word, as a backend without
 * commit-confirm does.
 */
export function commitConfirmOf(
  config: ConfigTree,
  dialect: Pick<Dialect, 'version' | 'confirms'>,
  wish: CommitConfirmWish,
  ignores = false,
): CommitConfirm {
  const without = (state: CommitConfirm['state'], reason: string): CommitConfirm => ({ state, reason, minutes: 0 });
  if (wish.minutes === 0) return without('off', 'Switched off in the settings.');
  if (!dialect.confirms) {
    return without('unavailable', `This build of VyOS ${dialect.version} cannot confirm commits over its API.`);
  }
  if (ignores) return without('unavailable', 'The router takes the time to confirm in, and starts no timer.');
  const management = ['system', 'config-management'];
  const action = firstValueOf(nodeAt(config, [...management, 'commit-confirm', 'action'])) ?? defaultAction;
  if (action !== 'reload') {
    return without(
      'would_reboot',
      'The router would reboot instead of taking a commit back. Set "system config-management commit-confirm action reload".',
    );
  }
  if (!(Number(firstValueOf(nodeAt(config, [...management, 'commit-revisions']))) > 0)) {
    return without(
      'unavailable',
      'The router keeps no revision to go back to. Set "system config-management commit-revisions".',
    );
  }
  return { state: 'active', reason: '', minutes: wish.minutes };
}

/**
 * How long a commit that nobody confirmed may still stand, in milliseconds: it was sent `ageMs` ago to be confirmed within so many minutes, and the
 * timer began when the router was done with it, after `ranAtMostMs` at the latest.
 */
export const confirmLeftMs = (sent: {
  readonly minutes: number;
  readonly ageMs: number;
  readonly ranAtMostMs: number;
}): number => Math.max(0, Math.min(sent.ageMs, sent.ranAtMostMs) + sent.minutes * 60_000 - sent.ageMs);
