import type { ConfigPath } from '../config-tree.ts';

/**
 * What an answer to `/configure` means. The texts are matched with white space folded, since the router wraps them at 72 columns
 * (vyos-1x `base.py`), and HTML entities resolved.
 */
export type ConfigureOutcome =
  /**
   * 200 and success: running configuration is as asked. `warnings` is what the router remarked. `unconfirmed`: unless it is confirmed in time the router
   * takes the commit back (`reload`) or reboots.
   */
  | { readonly kind: 'applied'; readonly warnings: string; readonly unconfirmed?: 'reload' | 'reboot' }
  /** A set or delete was refused: the session was discarded, nothing was applied. `path` when the text names one. */
  | { readonly kind: 'refused_operation'; readonly text: string; readonly path?: ConfigPath; readonly value?: string }
  /** The commit was refused: components that are not named may have been applied (VyOS commits per component). */
  | {
      readonly kind: 'refused_commit';
      readonly text: string;
      readonly components: readonly string[];
      readonly named: readonly NamedObject[];
    }
  /**
   * Another session holds the commit lock; or (`spell`) the bare "Set failed" of the spell after a refusal. Nothing was applied: ask again later.
   * `mayStand`: somebody's commit waits to be confirmed; this one may stand until that one is taken back.
   */
  | { readonly kind: 'try_later'; readonly text: string; readonly spell?: true; readonly mayStand?: true }
  /** The key is wrong, or this address is not allowed. Nothing was applied. */
  | { readonly kind: 'forbidden'; readonly text: string }
  /** The connection could not be opened or was refused before the body was sent: nothing was applied. */
  | {
      readonly kind: 'not_sent';
      readonly text: string;
      /** It was not even tried, since the sender may not send any more: says nothing about the router. */
      readonly fenced?: boolean;
    }
  /** No answer, or one that does not tell (5xx, HTML, dropped, 200 without success): it may have been applied. Read. */
  | { readonly kind: 'unclear'; readonly text: string };

/** An object that a refusal names. */
export type NamedObject =
  | { readonly kind: 'rule'; readonly number: number }
  /** `pair`: the text is about two mappings with the same MAC or address and names only one of them. */
  | { readonly kind: 'mapping'; readonly name: string; readonly pair?: boolean }
  /** A DHCP subnet that a set made by itself, since it was not there. */
  | { readonly kind: 'subnet'; readonly subnet: string }
  /** Something of a sort that Berth never makes: a source rule, a group, a range, another component. */
  | { readonly kind: 'foreign'; readonly name: string };
