import { isDeepStrictEqual } from 'node:util';
import type { AuditAuthor } from '@berth/contracts';
import { deadlinePassed, idempotencyKeyReused, versionMismatch } from '../../domain/errors.ts';
import { checkTemplate, type ForwardTemplate, type TemplateForward } from '../../domain/forwards/forward-template.ts';
import { assertMayWriteFor, type PoolWrite } from '../pools/write-pools.ts';
import type { KeyUse } from '../ports.ts';

export interface TemplateStore {
  read(): Promise<ForwardTemplate>;
  /**
   * Runs `change` under the template's lock, at a moment of the database's clock, and stores what it gives back, bound to `key`; a key that
   * was used is answered from before. The audit log has each change in the author's name.
   */
  update(
    by: { readonly key: KeyUse | undefined; readonly author: AuditAuthor },
    change: (stored: ForwardTemplate, now: Date) => ForwardTemplate,
  ): Promise<AnsweredTemplate>;
}

/** The template, and whether the key was known: then it is what the key's first use made of it. */
export interface AnsweredTemplate {
  readonly template: ForwardTemplate;
  /** What the key was first used for. */
  readonly fingerprint: Uint8Array | undefined;
}

export interface SetTemplate extends PoolWrite {
  readonly forwards: readonly TemplateForward[];
  /** Refused unless the template's version is this; 0: whatever it is. */
  readonly ifVersion: number;
  /** Nothing of it is kept. */
  readonly isRehearsal: boolean;
}

/** Replaces the forwards that new VMs get, of whatever group: so it takes `pools:write` for all. What is there already stays, its version too. */
export async function setForwardTemplate(
  deps: { readonly templates: TemplateStore },
  command: SetTemplate,
): Promise<ForwardTemplate> {
  const { caller, author, forwards, ifVersion, key, deadline } = command;
  assertMayWriteFor(caller, []);
  checkTemplate(forwards);
  const change = (stored: ForwardTemplate): ForwardTemplate => {
    if (ifVersion !== 0 && ifVersion !== stored.version) throw versionMismatch(ifVersion, stored.version);
    return isDeepStrictEqual(stored.forwards, forwards) ? stored : { forwards, version: stored.version + 1 };
  };
  if (command.isRehearsal) return change(await deps.templates.read());
  const { template, fingerprint } = await deps.templates.update({ key, author }, (stored, now) => {
    if (deadline.getTime() <= now.getTime()) throw deadlinePassed();
    return change(stored);
  });
  if (key && fingerprint && !Buffer.from(fingerprint).equals(Buffer.from(key.fingerprint)))
    throw idempotencyKeyReused();
  return template;
}
