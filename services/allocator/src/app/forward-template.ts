import { isDeepStrictEqual } from 'node:util';
import { idempotencyKeyReused, versionMismatch } from '../domain/errors.ts';
import { checkTemplate, type ForwardTemplate, type TemplateForward } from '../domain/forward-template.ts';
import type { KeyUse } from './ports.ts';

export interface TemplateStore {
  read(): Promise<ForwardTemplate>;
  /** Runs `change` under the template's lock and stores what it gives back, bound to `key`; a key that was used is answered from before. */
  update(key: KeyUse | undefined, change: (now: ForwardTemplate) => ForwardTemplate): Promise<AnsweredTemplate>;
}

/** The template, and whether the key was known: then it is what the key's first use made of it. */
export interface AnsweredTemplate {
  readonly template: ForwardTemplate;
  /** What the key was first used for. */
  readonly fingerprint: Uint8Array | undefined;
}

export interface SetTemplate {
  readonly forwards: readonly TemplateForward[];
  /** Refused unless the template's version is this; 0: whatever it is. */
  readonly ifVersion: number;
  readonly key: KeyUse | undefined;
}

/** Replaces the forwards that new VMs get. What is there already stays as it is, its version too. */
export async function setForwardTemplate(
  deps: { readonly templates: TemplateStore },
  command: SetTemplate,
): Promise<ForwardTemplate> {
  const { forwards, ifVersion, key } = command;
  checkTemplate(forwards);
  const { template, fingerprint } = await deps.templates.update(key, (now) => {
    if (ifVersion !== 0 && ifVersion !== now.version) throw versionMismatch(ifVersion, now.version);
    return isDeepStrictEqual(now.forwards, forwards) ? now : { forwards, version: now.version + 1 };
  });
  if (key && fingerprint && !Buffer.from(fingerprint).equals(Buffer.from(key.fingerprint)))
    throw idempotencyKeyReused();
  return template;
}
