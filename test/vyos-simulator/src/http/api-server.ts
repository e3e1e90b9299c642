import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OrderedJson } from '../domain/config-json.ts';
import { pathExists, valueAt } from '../domain/config-tree.ts';
import { type Answer, internalError } from '../router/answer.ts';
import { isAcceptedKey } from '../router/api-keys.ts';
import { info } from '../router/info.ts';
import type { RouterState } from '../router/router-state.ts';
import { decodeRequest } from './decode-request.ts';
import { handleRequest } from './handle-request.ts';
import { nginxPage } from './nginx-pages.ts';
import { escapeHtml, toPythonJson } from './python-text.ts';
import { type LoggedRequest, type RequestLog, withoutKey } from './request-log.ts';

const NOT_FOUND = '{"detail":"Not Found"}';
/** What nginx of 1.3 says in place of a 502 page. */
const START_THE_SERVICE = '{"error": "Start service in configuration mode: set service https api"}';

const queryOf = (request: IncomingMessage): URLSearchParams =>
  new URL(request.url ?? '/', 'https://router').searchParams;

/** Answers requests as nginx and the API process behind it do together. */
export class ApiServer {
  readonly #router: RouterState;
  readonly #log: RequestLog;

  constructor(router: RouterState, log: RequestLog) {
    this.#router = router;
    this.#log = log;
  }

  /** Plain HTTP on the TLS port (nginx's own 497): a redirect. */
  readonly redirectToHttps = (request: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('location', `https://${request.headers.host ?? 'localhost'}${request.url ?? '/'}`);
    this.#page(response, 301);
  };

  readonly handle = (request: IncomingMessage, response: ServerResponse): void => {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const { entry, end } = this.#log.begin(request.method ?? '', path);
    response.once('close', () => end(response.writableFinished ? response.statusCode : null));
    this.#respond(path, request, response, entry).catch(() => {
      if (response.headersSent || request.destroyed) response.destroy();
      else this.#send(response, internalError);
    });
  };

  async #respond(
    path: string,
    request: IncomingMessage,
    response: ServerResponse,
    entry: LoggedRequest,
  ): Promise<void> {
    const raw = await this.#readBody(request);
    if (raw === undefined) return this.#page(response, 413);
    if (!this.#router.profile.proxied.test(path)) return this.#page(response, 404);
    if (this.#isAway()) return this.#page(response, 502);
    if (!pathExists(this.#router.store.running, this.#router.profile.apiPath)) return this.#switchedOff(response);
    if (this.#router.isFrozen) return this.#send(response, { kind: 'silence' });
    if (this.#frameworkAnswer(path, request, response)) return;
    const decoded = await decodeRequest(this.#router.profile, path, request.headers, raw);
    if (decoded.kind === 'refused')
      return this.#envelope(response, { kind: 'error', status: decoded.status, text: decoded.text });
    entry.body = withoutKey(decoded.body);
    if (!isAcceptedKey(this.#router, decoded.key)) {
      return this.#envelope(response, { kind: 'error', status: 401, text: 'Valid API key is required' });
    }
    if (decoded.invalid !== undefined) {
      return this.#envelope(response, {
        kind: 'error',
        status: decoded.form?.status ?? 400,
        text: decoded.form?.text ?? decoded.invalid,
      });
    }
    const answer = await handleRequest(this.#router, path, decoded.body, queryOf(request));
    this.#send(response, answer);
    if ((path === '/reboot' || path === '/poweroff') && answer.kind === 'success')
      response.once('finish', () => this.#router.onRestart(0));
  }

  #isAway(): boolean {
    return this.#router.clock.now() < this.#router.awayUntil;
  }

  /** What FastAPI answers by itself: 405, 307 for a slash at the end, 404. */
  #frameworkAnswer(path: string, request: IncomingMessage, response: ServerResponse): boolean {
    const { endpoints, hasInfo } = this.#router.profile;
    if (path === '/info' && hasInfo) {
      if (request.method === 'GET') this.#send(response, info(this.#router, queryOf(request)));
      else this.#wrongMethod(response, 'GET');
    } else if (endpoints.includes(path)) {
      if (request.method === 'POST') return false;
      this.#wrongMethod(response, 'POST');
    } else if (path.endsWith('/') && endpoints.includes(path.slice(0, -1))) {
      response.setHeader('location', `http://${request.headers.host ?? 'localhost'}${path.slice(0, -1)}`);
      response.writeHead(307).end();
    } else this.#json(response, 404, NOT_FOUND);
    return true;
  }

  #switchedOff(response: ServerResponse): void {
    const { whenOff } = this.#router.profile;
    if (whenOff === 'not found') this.#json(response, 404, NOT_FOUND);
    else if (whenOff === '503 page') this.#page(response, 503);
    else this.#json(response, 200, START_THE_SERVICE);
  }

  #wrongMethod(response: ServerResponse, allowed: string): void {
    response.setHeader('allow', allowed);
    this.#json(response, 405, '{"detail":"Method Not Allowed"}');
  }

  #send(response: ServerResponse, answer: Answer): void {
    if (answer.kind === 'silence') {
      const end = () => response.destroy();
      this.#router.hanging.add(end);
      response.once('close', () => this.#router.hanging.delete(end));
      return;
    }
    if (answer.kind === 'cut') {
      response.destroy();
      return;
    }
    if (answer.kind === 'page') this.#page(response, answer.status);
    else this.#envelope(response, answer);
  }

  #envelope(
    response: ServerResponse,
    answer: Extract<Answer, { kind: 'success' | 'error' | 'failure-with-200' }>,
  ): void {
    const envelope: [string, OrderedJson][] =
      answer.kind === 'success'
        ? [
            ['success', true],
            ['data', answer.data],
            ['error', null],
          ]
        : [
            ['success', false],
            ['error', this.#router.profile.escapesErrors ? escapeHtml(answer.text) : answer.text],
            ['data', null],
          ];
    response.writeHead(answer.kind === 'error' ? answer.status : 200, { 'content-type': 'text/html; charset=utf-8' });
    response.end(toPythonJson(new Map(envelope)));
  }

  #json(response: ServerResponse, status: number, body: string): void {
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  }

  #page(response: ServerResponse, status: number): void {
    if (status === 502 && this.#router.profile.whenAway === '200 with error') {
      this.#json(response, 200, START_THE_SERVICE);
      return;
    }
    response.writeHead(status, { 'content-type': 'text/html' }).end(nginxPage(status, this.#router.profile.proxy));
  }

  /** The whole body, or undefined when it is larger than `service https request-body-size-limit` (default 1 MB). */
  async #readBody(request: IncomingMessage): Promise<Buffer | undefined> {
    const megabytes = Number(valueAt(this.#router.store.running, 'service', 'https', 'request-body-size-limit') ?? '1');
    const limit = megabytes * 1024 * 1024;
    if (Number(request.headers['content-length'] ?? 0) > limit) return undefined;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of request) {
      const part = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
      size += part.length;
      if (size > limit) return undefined;
      chunks.push(part);
    }
    return Buffer.concat(chunks);
  }
}
