import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { DomainError } from '@berth/errors';
import type { FastifyError } from 'fastify';
import type { AnyReply, AnyRequest } from '../app-types.ts';
import { problemOf, sendProblem } from '../requests/problem-reply.ts';
import { openScope } from '../requests/request-scope.ts';

/** Answers an address that cannot be decoded, which no route ever sees. */
export function answerBadUrl(error: FastifyError, request: AnyRequest, reply: AnyReply): void {
  request.scope = openScope(request.method, request.headers);
  reply.header('X-Request-Id', request.scope.requestId);
  sendProblem(
    request,
    reply,
    new DomainError('invalid', 'MALFORMED_REQUEST', 'The address cannot be read.', {}, { cause: error }),
  );
  request.scope.span.end();
}

const failures: Readonly<Record<string, readonly [code: string, detail: string]>> = {
  HPE_HEADER_OVERFLOW: ['HEADERS_TOO_LARGE', 'The headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['REQUEST_TIMEOUT', 'The request did not arrive in time.'],
};

/** Answers what is not even HTTP, and closes the connection. */
export function answerBrokenHttp(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy();
  const [code, detail] = failures[error.code ?? ''] ?? ['MALFORMED_REQUEST', 'This is not HTTP as we know it.'];
  const traceId = randomBytes(16).toString('hex');
  const problem = problemOf(new DomainError('invalid', code, detail), { instance: '/', traceId });
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
