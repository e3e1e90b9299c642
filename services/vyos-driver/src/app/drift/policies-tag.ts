import { createHash } from 'node:crypto';
import type { DriftRule } from '../../domain/drift/drift.ts';

/** Tells a router's policies, in the order of their paths, from others. */
export const policiesTag = (rules: readonly DriftRule[]): string =>
  createHash('sha256')
    .update(JSON.stringify(rules.map(({ path, policy }) => [path, policy])))
    .digest('base64url')
    .slice(0, 27);
