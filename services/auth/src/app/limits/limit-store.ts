import type { Block } from '../../domain/limits/block.ts';
import type { LimitRule, LimitRules } from '../../domain/limits/limit-rule.ts';

/** Limits for all and blocks, within a transaction. */
export interface LimitStore {
  /** Locked against other changes until the transaction ends. */
  rules(): Promise<LimitRules>;
  saveRules(rules: readonly LimitRule[]): Promise<LimitRules>;
  /** Those of these subjects that were ever kept out and not forgotten yet, locked. */
  blocksOf(subjects: readonly string[]): Promise<readonly Block[]>;
  saveBlocks(blocks: readonly Block[]): Promise<void>;
}
