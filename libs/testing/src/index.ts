export { type CurlExample, curlExamples } from './curl-examples.ts';
export { eventually, eventuallyHolds } from './eventually.ts';
export { type FaultProxy, faultProxy } from './fault-proxy.ts';
export { freshDatabase, type TestSchema } from './fresh-database.ts';
export { freshPrefix } from './fresh-prefix.ts';
export { type OwnNats, ownNats } from './own-nats.ts';
export { type OwnPostgres, ownPostgres } from './own-postgres.ts';
export { type TestScope, temporaryFolder } from './test-scope.ts';
export { startTestServers, type TestServers, testNats, testPostgres } from './test-servers.ts';
