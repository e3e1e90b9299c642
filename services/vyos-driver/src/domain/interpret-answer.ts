import type { ConfigureOutcome } from './answer.ts';

/** What came back of an HTTP request, before it is understood. */
export type HttpAnswer =
  | { readonly kind: 'response'; readonly status: number; readonly body: string }
  /** Nothing of the request left this machine. `fenced`: because the sender may not send any more, not because of the router. */
  | { readonly kind: 'not_sent'; readonly reason: string; readonly fenced?: boolean }
  /** The request, or a part of it, was sent, and no whole answer came. */
  | { readonly kind: 'no_answer'; readonly reason: string };

/** What an answer to a read (`/retrieve`) means. */
export type ReadOutcome =
  | { readonly kind: 'value'; readonly data: unknown }
  /** The path is known and nothing is there. To be believed only when asked twice: it also occurs near the end of a commit. */
  | { readonly kind: 'empty' }
  /** The path, or the request, is not one that the router knows. */
  | { readonly kind: 'invalid_path'; readonly text: string }
  /** The router is up and cannot say now, as while it commits. */
  | { readonly kind: 'try_later'; readonly text: string }
  | { readonly kind: 'forbidden'; readonly text: string }
  /** No router there. `fenced`: it was not asked, since the sender may not send any more. */
  | { readonly kind: 'away'; readonly text: string; readonly fenced?: boolean };

/** What an answer to a save means. A save can be repeated. */
export type SaveOutcome =
  | { readonly kind: 'saved' }
  | { readonly kind: 'try_later' | 'forbidden' | 'refused'; readonly text: string }
  | { readonly kind: 'away'; readonly text: string; readonly fenced?: boolean };

/** What an answer to `/configure` means for the running configuration. */
export function interpretConfigureAnswer(_answer: HttpAnswer): ConfigureOutcome {
  throw new Error('not yet');
}

export function interpretReadAnswer(_answer: HttpAnswer): ReadOutcome {
  throw new Error('not yet');
}

export function interpretSaveAnswer(_answer: HttpAnswer): SaveOutcome {
  throw new Error('not yet');
}
