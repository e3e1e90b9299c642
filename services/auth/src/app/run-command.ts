import { type Permitted, requirePermission } from '@berth/contracts';
import type { ApiKeyView } from '../domain/api-key.ts';
import { deadlinePassed, idempotencyKeyReused } from '../domain/errors.ts';
import type { ApiKeyStore, Idempotency, KeyChanges, TellChanged } from './api-key-store.ts';

/** Who asks, and how a repeat is recognised. */
export interface CommandContext {
  readonly principal: Permitted | undefined;
  /** A UUID that a repeat of the command has too; undefined when the caller chose none. */
  readonly operationId: string | undefined;
  /** After this moment, by the database's clock, the command must not happen any more. */
  readonly deadline: Date | undefined;
  readonly idempotency: Idempotency | undefined;
}

export interface CommandDeps {
  readonly keys: ApiKeyStore;
  readonly tellChanged: TellChanged;
}

/** What a command made of a key; the secret is there only the first time. */
export interface KeyOutcome {
  readonly key: ApiKeyView;
  readonly secret: string;
}

/**
 * Runs a command on keys: permission, then one transaction with the work and the memory of its answer, then the notice. A repeat (the
 * same Idempotency-Key, or the same operation id) does nothing and is answered as the first time, without the secret. Nothing is kept of
 * a command that fails.
 */
export async function runCommand(
  deps: CommandDeps,
  context: CommandContext,
  work: (keys: KeyChanges) => Promise<KeyOutcome>,
): Promise<KeyOutcome> {
  requirePermission(context.principal, 'api-keys:admin');
  const idempotency = context.idempotency ?? sameOperation(context.operationId);
  const { outcome, isNew } = await deps.keys.change(async (keys) => {
    const earlier = idempotency && (await keys.claim(idempotency));
    if (earlier) {
      if (!Buffer.from(earlier.fingerprint).equals(idempotency.fingerprint)) throw idempotencyKeyReused();
      return { outcome: { key: earlier.key, secret: '' }, isNew: false };
    }
    const made = await work(keys);
    if (idempotency) await keys.remember(idempotency, made.key);
    // Asked last: whatever this waited for has been waited for.
    if (context.deadline !== undefined && (await keys.currentTime()) > context.deadline) throw deadlinePassed();
    return { outcome: made, isNew: true };
  });
  if (isNew) deps.tellChanged(outcome.key.id);
  return outcome;
}

const sameOperation = (operationId: string | undefined): Idempotency | undefined =>
  operationId === undefined ? undefined : { scope: 'operation', key: operationId, fingerprint: new Uint8Array() };
