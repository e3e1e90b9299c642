import type { ConfigureOutcome } from './answer.ts';
import { failedComponents, foldedText, namedObjects, refusedOperation, withoutEntities } from './router-text.ts';

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
  /** The key is wrong, this address is not allowed, or the API is not offered. */
  | { readonly kind: 'forbidden'; readonly text: string }
  /** No answer, or one of the proxy's. `fenced`: the router was not asked, since the sender may not send any more. */
  | { readonly kind: 'away'; readonly text: string; readonly fenced?: boolean };

/** What an answer to a `confirm` means. It can be repeated. */
export type ConfirmOutcome =
  /** The timer is stopped: the commit stays. */
  | { readonly kind: 'confirmed' }
  /** No timer runs: somebody confirmed it, it ran out (the commit was taken back, or is about to be), or there was none. */
  | { readonly kind: 'nothing_pending' }
  /** The router cannot say now; the timer runs on. */
  | { readonly kind: 'try_later' | 'forbidden'; readonly text: string }
  | { readonly kind: 'away'; readonly text: string; readonly fenced?: boolean };

/** What an answer to a save means. A save can be repeated. */
export type SaveOutcome =
  | { readonly kind: 'saved' }
  /** `broke_off`: the router answered that something went wrong inside (500), as it also does near a restart. */
  | { readonly kind: 'try_later' | 'forbidden' | 'refused' | 'broke_off'; readonly text: string }
  | { readonly kind: 'away'; readonly text: string; readonly fenced?: boolean };

/** The answer of the API itself, `{"success", "data", "error"}`; anything else was said by something in front of it. */
interface Envelope {
  readonly success: boolean;
  readonly data: unknown;
  readonly error: string;
}

const locked = /temporarily locked due to another commit/;
/** The bare text that a request gets soon after a refused one: a spell of the router. When it does not pass, it is the request that is refused. */
const spell = /^(?:Set|Delete) failed$/;
const refusedByValidation =
  /(?:Set|Delete) failed$|^\{'type': |^Malformed command|is not a valid operation$|^Missing required field|^Failed to parse JSON|^Cannot delete \[|^Non-empty data field|^any command must be JSON/;
/** A commit that has not happened yet: of a change to the API itself. */
const notYetCommitted = /commit will be called in the background/;
/** Somebody's commit waits to be confirmed. Whether this one was made all the same depends on the version. */
const otherConfirm = /Another confirm is pending/;
/** Nothing was begun: the API is at its limit, or has lost what it works with and knows it. */
const notBegun = /Background operation queue is full|config session unavailable/;
/** The commit is taken back (`reload`), or the router reboots, unless it is confirmed in time. */
const timerStarted = /Initialized commit-confirm; \d+ minutes? to confirm before (reload|reboot)/;
/** What a commit says that had nothing to do. */
const nothingToDo = /^No changes to commit$/;
/** 1.3 answers a form without a key with 422. */
const keyRefused = /^Valid API key is required$/;

/**
 * What an answer to `/configure` means for the running configuration. Never throws, whatever the body is. Where an answer does not tell
 * whether something was applied it is `unclear`, or a refused commit without components.
 */
export function interpretConfigureAnswer(answer: HttpAnswer): ConfigureOutcome {
  if (answer.kind === 'not_sent') return { kind: 'not_sent', text: answer.reason, ...fence(answer) };
  if (answer.kind === 'no_answer') return { kind: 'unclear', text: answer.reason };
  const { status, body } = answer;
  if (notOffered(status)) return { kind: 'forbidden', text: describe(answer) };
  if (status === 413)
    return { kind: 'refused_operation', text: 'The request is larger than the router accepts (413).' };
  const envelope = envelopeOf(body);
  if (envelope === undefined) return { kind: 'unclear', text: describe(answer) };
  if (status === 200) return interpretAccepted(envelope, answer);
  if (status >= 500 && notBegun.test(envelope.error)) return { kind: 'try_later', text: describe(answer) };
  if (status !== 400 && status !== 422) return { kind: 'unclear', text: describe(answer) };
  return interpretRefused(envelope.error, describe(answer));
}

/** Up to 1.4 the data of a success is null; then it is what the commit said (nothing: null or ""), and how long there is to confirm it. */
function interpretAccepted({ success, data }: Envelope, answer: HttpAnswer & { kind: 'response' }): ConfigureOutcome {
  const said = typeof data === 'string' ? withoutEntities(data).trim() : '';
  // A record instead of a text: the commit is queued in the background.
  const queued = typeof data === 'object' && data !== null;
  if (!success || queued || notYetCommitted.test(said)) return { kind: 'unclear', text: describe(answer) };
  const [line, action] = timerStarted.exec(said) ?? [];
  const warnings = said.replace(line ?? '', '').trim();
  return {
    kind: 'applied',
    warnings: nothingToDo.test(warnings) ? '' : warnings,
    ...(action === undefined ? {} : { unconfirmed: action === 'reload' ? 'reload' : 'reboot' }),
  };
}

function interpretRefused(error: string, fallback: string): ConfigureOutcome {
  const text = withoutEntities(error).trim();
  const folded = foldedText(error);
  if (locked.test(folded)) return { kind: 'try_later', text };
  if (spell.test(folded)) return { kind: 'try_later', text, spell: true };
  if (otherConfirm.test(folded)) return { kind: 'try_later', text, mayStand: true };
  if (keyRefused.test(folded)) return { kind: 'forbidden', text };
  if (notYetCommitted.test(folded)) return { kind: 'unclear', text };
  const components = failedComponents(error);
  if (components.length === 0 && refusedByValidation.test(folded)) {
    return { kind: 'refused_operation', text, ...refusedOperation(error) };
  }
  // Also a text that is not known: it is an answer, and reading tells what was applied.
  return { kind: 'refused_commit', text: text === '' ? fallback : text, components, named: namedObjects(error) };
}

/** What an answer to `/retrieve` means. Never throws. */
export function interpretReadAnswer(answer: HttpAnswer): ReadOutcome {
  if (answer.kind !== 'response') return { kind: 'away', text: answer.reason, ...fence(answer) };
  const text = describe(answer);
  if (notOffered(answer.status)) return { kind: 'forbidden', text };
  const envelope = envelopeOf(answer.body);
  if (answer.status === 500 || (envelope !== undefined && notBegun.test(envelope.error)))
    return { kind: 'try_later', text };
  if (envelope === undefined || answer.status > 500) return { kind: 'away', text };
  if (answer.status === 200) return envelope.success ? { kind: 'value', data: envelope.data } : { kind: 'away', text };
  const folded = foldedText(envelope.error);
  if (/specified path is empty/.test(folded)) return { kind: 'empty' };
  if (
    /path is not valid/.test(folded) ||
    refusedByValidation.test(folded) ||
    /is not a valid config format/.test(folded)
  ) {
    return { kind: 'invalid_path', text };
  }
  // The lock, and what a read says while a commit is running ("_show_diff error").
  return { kind: 'try_later', text };
}

/** What an answer to `/config-file` with `save` means. Never throws. */
export function interpretSaveAnswer(answer: HttpAnswer): SaveOutcome {
  if (answer.kind !== 'response') return { kind: 'away', text: answer.reason, ...fence(answer) };
  const text = describe(answer);
  if (notOffered(answer.status)) return { kind: 'forbidden', text };
  const envelope = envelopeOf(answer.body);
  if (envelope !== undefined && notBegun.test(envelope.error)) return { kind: 'try_later', text };
  if (answer.status === 500) return { kind: 'broke_off', text };
  if (envelope === undefined || answer.status > 500) return { kind: 'away', text };
  if (answer.status === 200 && envelope.success) return { kind: 'saved' };
  return { kind: locked.test(foldedText(envelope.error)) ? 'try_later' : 'refused', text };
}

/** What an answer to `confirm` means. Never throws. */
export function interpretConfirmAnswer(answer: HttpAnswer): ConfirmOutcome {
  if (answer.kind !== 'response') return { kind: 'away', text: answer.reason, ...fence(answer) };
  const text = describe(answer);
  if (notOffered(answer.status)) return { kind: 'forbidden', text };
  const envelope = envelopeOf(answer.body);
  if (envelope === undefined || answer.status > 500) return { kind: 'away', text };
  const said = foldedText(typeof envelope.data === 'string' ? envelope.data : envelope.error);
  if (envelope.success && /timer stopped/i.test(said)) return { kind: 'confirmed' };
  if (/No confirm pending/i.test(said)) return { kind: 'nothing_pending' };
  return { kind: 'try_later', text };
}

const fence = (answer: { readonly fenced?: boolean } | object): { fenced?: true } =>
  'fenced' in answer && answer.fenced === true ? { fenced: true } : {};

/** 404, 405 and redirections come when `service https api rest` is not set or something else answers at that port: nobody looked at the request. */
const notOffered = (status: number): boolean =>
  status === 401 || status === 403 || status === 404 || status === 405 || (status >= 300 && status < 400);

/** The API's content type is text/html even for JSON, so the body alone decides. */
function envelopeOf(body: string): Envelope | undefined {
  const { success, data, error } = fieldsOf(body);
  if (typeof success !== 'boolean') return undefined;
  return { success, data: data ?? null, error: typeof error === 'string' ? error : '' };
}

function fieldsOf(body: string): { readonly success?: unknown; readonly data?: unknown; readonly error?: unknown } {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    return {};
  }
}

/** The router's words, or what kind of answer it was. */
function describe(answer: HttpAnswer & { kind: 'response' }): string {
  const { status, body } = answer;
  // Up to 1.3 the proxy itself says {"error": …} with status 200 when the API is away.
  const { error } = fieldsOf(body);
  if (typeof error === 'string' && error.trim() !== '') return withoutEntities(error.trim());
  const title = /<title>([^<]*)<\/title>/i.exec(body)?.[1]?.trim();
  if (title !== undefined) return `The router answered ${status} with the page "${title}".`;
  if (status === 404) return 'The router does not offer this call (404): is "service https api rest" set?';
  const start = foldedText(body).slice(0, 200);
  return start === '' ? `The router answered ${status} and said nothing.` : `The router answered ${status}: ${start}`;
}
