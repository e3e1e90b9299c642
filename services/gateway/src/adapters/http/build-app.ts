import type { KeyCache } from '@berth/access';
import type { Logger } from '@berth/service-kit';
import helmet from '@fastify/helmet';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import underPressure from '@fastify/under-pressure';
import fastify from 'fastify';
import { Type } from 'typebox';
import type { AuditRecorder } from '../nats/audit-recorder.ts';
import { registerAccess } from './access.ts';
import type { App } from './app-types.ts';
import { answerBadUrl, answerBrokenHttp } from './broken-http.ts';
import { strict } from './documents/json-types.ts';
import { refuseExpectations } from './expectations.ts';
import { type GatewayMetrics, measureRequests } from './http-metrics.ts';
import { registerJsonBody } from './json-body.ts';
import { registerLargeBodies } from './large-bodies.ts';
import { noteMethods } from './method-not-allowed.ts';
import { openApiRoutes, registerOpenApi } from './openapi.ts';
import { guardPlans } from './planning.ts';
import { registerProblems } from './problem-reply.ts';
import { RefusalLimit, registerRateLimit } from './rate-limit.ts';
import { recordWrites } from './record-writes.ts';
import { refuseNul } from './refuse-nul.ts';
import { logRequests } from './request-log.ts';
import { registerRequestScope } from './request-scope.ts';
import { schemaCompiler } from './schema-compiler.ts';

export interface HttpOptions {
  readonly log: Logger;
  readonly metrics: GatewayMetrics;
  readonly keys: KeyCache;
  readonly audit: AuditRecorder;
  /** Of one key, and of one address without a valid key; 0: no limit. */
  readonly requestsPerSecond: number;
  readonly overloadedAfterMs: number;
}

const bodyLimitBytes = 1_048_576;
/** For a request to arrive as a whole. How long its answer takes is another matter. */
const requestTimeoutMs = 30_000;
/** Longer than anybody may wait for an operation. */
const connectionTimeoutMs = 150_000;
const longerThanAnyUrl = 65_536;

/** The HTTP server with everything that holds for all routes, and the routes that `addRoutes` adds. Not listening yet. */
export async function buildApp(options: HttpOptions, addRoutes: (app: App) => void): Promise<App> {
  const app = newServer();
  app.setValidatorCompiler(schemaCompiler);
  app.setSerializerCompiler(() => JSON.stringify);
  registerProblems(app, options.log);
  registerRequestScope(app);
  measureRequests(app, options.metrics);
  logRequests(app, options.log);
  recordWrites(app, options.audit);
  await app.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  });
  await app.register(underPressure, { maxEventLoopDelay: options.overloadedAfterMs });
  refuseExpectations(app);
  const answerOtherMethods = noteMethods(app);
  registerAccess(app, options.keys, new RefusalLimit(options.requestsPerSecond));
  guardPlans(app);
  registerLargeBodies(app);
  registerJsonBody(app);
  refuseNul(app);
  refuseUnknownQueries(app);
  registerRateLimit(app, options.requestsPerSecond);
  await registerOpenApi(app);
  app.addHook('onSend', async (_request, reply) => {
    if (!reply.hasHeader('Cache-Control')) reply.header('Cache-Control', 'no-store');
  });
  openApiRoutes(app);
  addRoutes(app);
  answerOtherMethods();
  await app.ready();
  return app;
}

const newServer = (): App =>
  fastify({
    logger: false,
    bodyLimit: bodyLimitBytes,
    requestTimeout: requestTimeoutMs,
    connectionTimeout: connectionTimeoutMs,
    return503OnClosing: false, // a request that comes over an open connection while we stop is still answered
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: longerThanAnyUrl },
    clientErrorHandler: answerBrokenHttp,
    frameworkErrors: answerBadUrl,
  }).withTypeProvider<TypeBoxTypeProvider>();

/** A route of the API that names no query parameters takes none. */
function refuseUnknownQueries(app: App): void {
  app.addHook('onRoute', ({ schema, config }) => {
    if (schema && config?.permission) schema.querystring ??= Type.Object({}, strict);
  });
}
