import type { GroupPolicy } from '@berth/contracts';
import type { Limit } from '../limits/limit.ts';

/** The group whose members administer the installation: one remains. */
export const adminGroup = 'admin';

/** Users with common permissions, who may own VMs and pools together. */
export interface Group extends GroupPolicy {
  readonly description: string;
  /** Is there from the start and cannot be removed. */
  readonly builtIn: boolean;
  /** Null: as the settings say; 0: for ever. */
  readonly accessTokenSeconds: number | null;
  readonly refreshTokenSeconds: number | null;
  readonly limits: readonly Limit[];
  readonly version: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}
