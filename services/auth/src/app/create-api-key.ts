import { randomUUID } from 'node:crypto';
import { ApiKey, type KeyTerms, viewOf } from '../domain/api-key.ts';
import { hashOfKey, newKeyText, newPrefix } from '../domain/api-key-text.ts';
import { checkTerms } from '../domain/key-terms.ts';
import { type CommandContext, type CommandDeps, type KeyOutcome, runCommand } from './run-command.ts';

/** Makes a key. Its secret is in this answer and nowhere else. */
export function createApiKey(deps: CommandDeps, context: CommandContext, terms: KeyTerms): Promise<KeyOutcome> {
  return runCommand(deps, context, async (keys) => {
    checkTerms(terms, keys.now);
    const prefix = newPrefix();
    const secret = newKeyText(prefix);
    const key = new ApiKey({
      ...terms,
      id: randomUUID(),
      prefix,
      origin: 'created',
      secretHash: hashOfKey(secret),
      createdAt: keys.now,
    });
    keys.add(key);
    return { key: viewOf(key, keys.now), secret };
  });
}
