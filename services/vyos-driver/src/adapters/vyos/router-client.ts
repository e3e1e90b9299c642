import { DomainError } from '@berth/errors';
import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { ConfigureOutcome } from '../../domain/answers/answer.ts';
import {
  type ConfirmOutcome,
  type HttpAnswer,
  interpretConfigureAnswer,
  interpretConfirmAnswer,
  interpretReadAnswer,
  interpretSaveAnswer,
  type ReadOutcome,
  type SaveOutcome,
} from '../../domain/answers/interpret-answer.ts';
import { redact } from '../../domain/answers/redact.ts';
import type { Operation } from '../../domain/changes/plan.ts';
import type { ConfigPath } from '../../domain/config-tree.ts';
import { opens } from './opens.ts';
import { type CallOptions, type RouterAddress, RouterConnection, type RouterRequest } from './router-connection.ts';
import { versionInInfo, versionInShow } from './router-version.ts';

export type { CallOptions, RouterAddress } from './router-connection.ts';

/** An outcome and how long it took: from writing the request to the end of the answer, 0 when nothing was written. Milliseconds. */
export interface Timed<Outcome> {
  readonly outcome: Outcome;
  readonly durationMs: number;
}

interface ToldVersion {
  readonly told: string | undefined;
  readonly answered: boolean;
}

interface Told {
  readonly kind: string;
  readonly text?: string;
  readonly warnings?: string;
}

const tracer = trace.getTracer('berth-vyos-driver');
const unanswered: ReadonlySet<string> = new Set(['not_sent', 'unclear', 'away']);

/**
 * The HTTPS API of one router. Every failure is an outcome; a call throws only when it is misused: a second one while the first is on its
 * way (the router's API may crash over it), or `exists` of nothing (which does crash it). Nothing is sent twice.
 */
export class RouterClient {
  readonly #address: RouterAddress;
  readonly #connection: RouterConnection;
  #busy = false;

  constructor(address: RouterAddress) {
    this.#address = address;
    this.#connection = new RouterConnection(address);
  }

  /** See `RouterConnection.drops`. */
  get drops(): number {
    return this.#connection.drops;
  }

  /** All operations in one commit, or none of a component that refuses one. The router takes it back unless it is confirmed within `confirmMinutes`. */
  configure(
    operations: readonly Operation[],
    { confirmMinutes, ...options }: CallOptions & { readonly confirmMinutes?: number | undefined },
  ): Promise<Timed<ConfigureOutcome>> {
    const commands = operations.map(({ op, path }) => ({ op, path }));
    const fields = confirmMinutes === undefined ? { commands } : { commands, confirm_time: confirmMinutes };
    return this.#call('configure', this.#post('/configure', fields), options, interpretConfigureAnswer, {
      'berth.router.operations': operations.length,
    });
  }

  /** Keeps the commit that waits to be confirmed. */
  confirm(options: CallOptions): Promise<Timed<ConfirmOutcome>> {
    return this.#call('confirm', this.#post('/configure', { op: 'confirm' }), options, interpretConfirmAnswer);
  }

  /** Whether a new connection to the API can be opened: what goes on on an old one does not show that. Nothing is sent on it. */
  reachable({ timeoutMs }: Pick<CallOptions, 'timeoutMs'>): Promise<boolean> {
    return opens(this.#address, timeoutMs);
  }

  /** A commit of nothing: it queues behind whatever the router still works on, and changes nothing. */
  emptyConfigure(options: CallOptions): Promise<Timed<ConfigureOutcome>> {
    return this.configure([], options);
  }

  /** The content at `path`, `[]` for everything. Secrets of the router come in clear. */
  showConfig(path: ConfigPath, options: CallOptions): Promise<Timed<ReadOutcome>> {
    return this.#call('showConfig', this.#post('/retrieve', { op: 'showConfig', path }), options, interpretReadAnswer);
  }

  /** `true` or `false` as the value. Also false for a path that the router does not know. */
  exists(path: ConfigPath, options: CallOptions): Promise<Timed<ReadOutcome>> {
    if (path.length === 0) return Promise.reject(misused('ROUTER_PATH_EMPTY', 'exists needs a path.'));
    return this.#call('exists', this.#post('/retrieve', { op: 'exists', path }), options, interpretReadAnswer);
  }

  /** Makes the running configuration the one that the router starts with, or writes it to another file. */
  save({ file, ...options }: CallOptions & { readonly file?: string }): Promise<Timed<SaveOutcome>> {
    const fields = file === undefined ? { op: 'save' } : { op: 'save', file };
    return this.#call('save', this.#post('/config-file', fields), options, interpretSaveAnswer);
  }

  /**
   * The version that the router runs, as it writes it; `1.5` when it only can be told that it is one; undefined when it does not tell or
   * does not answer. `/show` comes first where `/info` is not expected. Up to three reads.
   */
  async version({
    tellsInfo = true,
    ...options
  }: CallOptions & { readonly tellsInfo?: boolean }): Promise<string | undefined> {
    const questions = [() => this.#info(options), () => this.#showVersion(options)];
    for (const ask of tellsInfo ? questions : questions.reverse()) {
      const { told, answered } = await ask();
      if (told !== undefined || !answered) return told;
    }
    // Since 1.5 the REST API has to be enabled by itself.
    const rest = await this.exists(['service', 'https', 'api', 'rest'], options);
    return rest.outcome.kind === 'value' && rest.outcome.data === true ? '1.5' : undefined;
  }

  async #info(options: CallOptions): Promise<ToldVersion> {
    const { outcome } = await this.#call('info', { method: 'GET', path: '/info', body: null }, options, asIs);
    return { told: versionInInfo(outcome), answered: outcome.kind === 'response' };
  }

  async #showVersion(options: CallOptions): Promise<ToldVersion> {
    const request = this.#post('/show', { op: 'show', path: ['version'] });
    const { outcome } = await this.#call('show version', request, options, asIs);
    return { told: versionInShow(outcome), answered: outcome.kind === 'response' };
  }

  /** Cuts the connection. A request on its way ends without an answer. */
  close(): Promise<void> {
    return this.#connection.close();
  }

  #post(path: string, fields: object): RouterRequest {
    return { method: 'POST', path, body: JSON.stringify({ ...fields, key: this.#address.key }) };
  }

  async #call<Outcome extends Told>(
    name: string,
    request: RouterRequest,
    options: CallOptions,
    interpret: (answer: HttpAnswer) => Outcome,
    attributes: Readonly<Record<string, number>> = {},
  ): Promise<Timed<Outcome>> {
    if (this.#busy) throw misused('ROUTER_REQUEST_OVERLAP', 'A request to this router is still on its way.');
    this.#busy = true;
    const { host, port } = this.#address;
    const span = tracer.startSpan(`vyos ${name}`, {
      kind: SpanKind.CLIENT,
      attributes: { 'server.address': host, 'server.port': port, ...attributes },
    });
    try {
      const { answer, durationMs } = await this.#connection.send(request, options);
      const outcome = this.#redacted(interpret(answer));
      describe(span, answer, outcome);
      return { outcome, durationMs };
    } finally {
      this.#busy = false;
      span.end();
    }
  }

  #redacted<Outcome extends Told>(outcome: Outcome): Outcome {
    const { text, warnings } = outcome;
    const secrets = [this.#address.key];
    return {
      ...outcome,
      ...(text === undefined ? {} : { text: redact(text, secrets) }),
      ...(warnings === undefined ? {} : { warnings: redact(warnings, secrets) }),
    };
  }
}

const asIs = (answer: HttpAnswer): HttpAnswer => answer;

const misused = (code: string, message: string): DomainError => new DomainError('bug', code, message);

function describe(span: Span, answer: HttpAnswer, outcome: Told): void {
  if (answer.kind === 'response') span.setAttribute('http.response.status_code', answer.status);
  span.setAttribute('berth.router.outcome', outcome.kind);
  if (unanswered.has(outcome.kind))
    span.setStatus({ code: SpanStatusCode.ERROR, message: outcome.text ?? outcome.kind });
}
