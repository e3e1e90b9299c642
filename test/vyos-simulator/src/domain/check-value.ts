import type { Constraint } from './schema.ts';
import { runValidator } from './validators.ts';

/**
 * What the backend says when it refuses this value at this place, or undefined when it takes it. The blank lines are
 * those of the observed router: two after each validator's output, two before the message.
 */
export function refusalOfValue(value: string, constraint: Constraint, validatorsPrint: boolean): string | undefined {
  const forbidden = forbiddenCharacter(value);
  if (forbidden !== undefined)
    return `Cannot use the ${forbidden} character in a value string\nValue validation failed\n`;
  const patterns = constraint.patterns ?? [];
  const validators = constraint.validators ?? [];
  if (patterns.length === 0 && validators.length === 0) return undefined;
  if (patterns.some((pattern) => pattern.test(value))) return undefined;
  let printed = '';
  for (const [name, argument = ''] of validators.toReversed()) {
    const output = runValidator(name, value, argument);
    if (output === undefined) return undefined;
    printed += `${validatorsPrint ? output : ''}\n\n`;
  }
  return `${printed}\n\n${constraint.message ?? 'Invalid value'}\nValue validation failed\n`;
}

function forbiddenCharacter(value: string): string | undefined {
  if (value.includes("'")) return "single quote (')";
  if (value.includes('"')) return 'double quote (")';
  return value.includes('\n') ? 'newline' : undefined;
}
