export { safeForAudit, safeTextForAudit } from './audit-safe.ts';
export { ConfigError, type EnvReader, envReader } from './config-reader.ts';
export { type HealthServer, type ReadinessCheck, startHealthServer } from './health-server.ts';
export { createLogger, type Logger } from './logger.ts';
export { readPublicUrl } from './public-url.ts';
export { currentRequest, inRequest, type RequestContext } from './request-context.ts';
export { readServiceSettings, runService, type ServiceContext, type ServiceSettings } from './run-service.ts';
export { readDatabaseUrl, readNatsUrl } from './server-urls.ts';
export { startTracing } from './tracing.ts';
