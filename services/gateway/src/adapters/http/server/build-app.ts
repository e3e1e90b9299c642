import type { Logger } from '@berth/service-kit';
import helmet from '@fastify/helmet';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import underPressure from '@fastify/under-pressure';
import fastify from 'fastify';
import { Type } from 'typebox';
import type { AuditRecorder } from '../../nats/audit-recorder.ts';
import type { App } from '../app-types.ts';
import { recordWrites } from '../audit/record-writes.ts';
import { strict } from '../json-types.ts';
import { type LimitGuard, registerAddressLimits, registerCallerLimits } from '../limits/limit-guard.ts';
import { guardPlans } from '../plans/planning.ts';
import { type Keys, registerAccess } from '../requests/access.ts';
import { refuseExpectations } from '../requests/expectations.ts';
import { registerFormBody } from '../requests/form-body.ts';
import { registerJsonBody } from '../requests/json-body.ts';
import { registerLargeBodies } from '../requests/large-bodies.ts';
import { registerProblems } from '../requests/problem-reply.ts';
import { RefusalLimit, registerRateLimit } from '../requests/rate-limit.ts';
import { refuseNul } from '../requests/refuse-nul.ts';
import { logRequests } from '../requests/request-log.ts';
import { registerRequestScope } from '../requests/request-scope.ts';
import { schemaCompiler } from '../requests/schema-compiler.ts';
import { answerBadUrl, answerBrokenHttp } from './broken-http.ts';
import { endConnectionsAtStop } from './end-connections.ts';
import { registerEndpointGroups } from './endpoint-groups.ts';
import { type GatewayMetrics, measureRequests } from './http-metrics.ts';
import { noteMethods } from './method-not-allowed.ts';
import { openApiRoutes, registerOpenApi } from './openapi.ts';

export interface HttpOptions {
  readonly log: Logger;
  readonly metrics: GatewayMetrics;
  readonly keys: Keys;
  readonly audit: AuditRecorder;
  /** Of one key, and of one address without a valid key; 0: no limit. */
  readonly requestsPerSecond: number;
  readonly overloadedAfterMs: number;
  /** Of rates and quotas; absent: none. */
  readonly limits?: LimitGuard;
  /** Networks of proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies?: readonly string[];
}

const bodyLimitBytes = 1_048_576;
/** Where anybody may send one. No sign-in needs more, and reading a megabyte would cost more than a stranger may. */
const strangersBodyLimitBytes = 65_536;
/** For a request to arrive as a whole. How long its answer takes is another matter. */
const requestTimeoutMs = 30_000;
/** Longer than anybody may wait for an operation. */
const connectionTimeoutMs = 150_000;
const longerThanAnyUrl = 65_536;

/** The HTTP server with everything that holds for all routes, and the routes that `addRoutes` adds. Not listening yet. */
export async function buildApp(options: HttpOptions, addRoutes: (app: App) => void): Promise<App> {
  const app = newServer(options.trustedProxies ?? []);
  app.setValidatorCompiler(schemaCompiler);
  app.setSerializerCompiler(() => JSON.stringify);
  endConnectionsAtStop(app);
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
  if (options.limits) registerAddressLimits(app, options.limits);
  const answerOtherMethods = noteMethods(app);
  registerAccess(app, options.keys, new RefusalLimit(options.requestsPerSecond));
  registerEndpointGroups(app);
  guardPlans(app);
  registerLargeBodies(app);
  registerJsonBody(app);
  await registerFormBody(app);
  refuseNul(app);
  refuseUnknownQueries(app);
  boundBodiesOfStrangers(app);
  registerRateLimit(app, options.requestsPerSecond);
  if (options.limits) registerCallerLimits(app, options.limits);
  await registerOpenApi(app);
  openApiRoutes(app);
  addRoutes(app);
  answerOtherMethods();
  await app.ready();
  return app;
}

const newServer = (trustedProxies: readonly string[]): App =>
  fastify({
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
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
    if (schema && (config?.permission || config?.user || schema.body)) schema.querystring ??= Type.Object({}, strict);
  });
}

function boundBodiesOfStrangers(app: App): void {
  app.addHook('onRoute', (route) => {
    if (route.config?.open === true) route.bodyLimit = strangersBodyLimitBytes;
  });
}
