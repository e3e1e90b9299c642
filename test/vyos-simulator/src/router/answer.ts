import type { OrderedJson } from '../domain/config-json.ts';
import type { Profile } from '../profile/profile.ts';

/** What a request ends in, before it is written as HTTP. */
export type Answer =
  | { readonly kind: 'success'; readonly data: OrderedJson }
  | { readonly kind: 'error'; readonly status: number; readonly text: string }
  /** HTTP 200 whose envelope says that it failed; no known router does this, drivers must cope. */
  | { readonly kind: 'failure-with-200'; readonly text: string }
  /** A page of nginx. */
  | { readonly kind: 'page'; readonly status: 502 | 504 }
  /** The connection is cut without an answer. */
  | { readonly kind: 'cut' }
  /** No answer as long as the connection lives. */
  | { readonly kind: 'silence' };

export const success = (data: OrderedJson = null): Answer => ({ kind: 'success', data });
export const refused = (text: string): Answer => ({ kind: 'error', status: 400, text });
export const internalError: Answer = {
  kind: 'error',
  status: 500,
  text: 'An internal error occured. Check the logs for details.',
};
/** The words for an operation that an endpoint does not have. */
export const unknownOperation = ({ operationQuote: quote }: Profile, op: string): string =>
  `${quote}${op}${quote} is not a valid operation`;
export const badGateway: Answer = { kind: 'page', status: 502 };
export const LOCKED_TEXT = 'Configuration system temporarily locked due to another commit in progress\n';
export const locked: Answer = refused(LOCKED_TEXT);
