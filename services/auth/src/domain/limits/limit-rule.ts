import type { FieldError } from '@berth/errors';
import { refuseFields } from '../errors.ts';

/** Of whom requests are counted. */
const countedSubjects = ['address', 'user', 'key'] as const;
/** What happens beyond a limit: refused, or answered later and later and then refused. */
const limitModes = ['block', 'slow'] as const;
const windowLengths = [60, 3_600, 86_400] as const;

/** How much everybody may use, unless their groups or they themselves have a limit of their own. */
export interface LimitRule {
  readonly subject: string;
  /** Empty: all together. */
  readonly endpointGroup: string;
  readonly windowSeconds: number;
  /** 0: without limit. */
  readonly requests: number;
  readonly mode: string;
}

const mostRules = 200;

/** The rules for all, and how often they were changed. */
export interface LimitRules {
  readonly rules: readonly LimitRule[];
  readonly version: number;
}

/** Throws `invalid` with every field that is wrong: each limit may stand there once. */
export function checkRules(rules: readonly LimitRule[]): void {
  const fields: FieldError[] = [];
  if (rules.length > mostRules) fields.push({ field: 'rules', message: `must be at most ${mostRules}` });
  const seen = new Set<string>();
  for (const [index, rule] of rules.entries()) {
    const wrong = (name: string, message: string) => fields.push({ field: `rules[${index}].${name}`, message });
    if (!isOne(countedSubjects, rule.subject)) wrong('subject', `must be one of ${countedSubjects.join(', ')}`);
    if (!isOne(windowLengths, rule.windowSeconds))
      wrong('window_seconds', `must be one of ${windowLengths.join(', ')}`);
    if (!isOne(limitModes, rule.mode)) wrong('mode', `must be one of ${limitModes.join(', ')}`);
    if (!Number.isSafeInteger(rule.requests) || rule.requests < 0) wrong('requests', 'must be a whole number from 0');
    const name = `${rule.subject} ${rule.endpointGroup} ${rule.windowSeconds}`;
    if (seen.has(name)) wrong('window_seconds', 'is the same limit as one before');
    seen.add(name);
  }
  refuseFields(fields);
}

/** The rules as everybody who lets callers in is told of them, JSON. */
export const rulesText = (rules: readonly LimitRule[]): string =>
  JSON.stringify({
    rules: rules.map(({ subject, endpointGroup, windowSeconds, requests, mode }) => ({
      ...{ subject, endpoint_group: endpointGroup, window_seconds: windowSeconds, requests, mode },
    })),
  });

const isOne = (list: readonly unknown[], value: unknown): boolean => list.includes(value);
