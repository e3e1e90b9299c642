export { choosePort, isPortFree } from './choose-port.ts';
export { findNatsServer, type NatsServer, type NatsServerOptions, startNats } from './nats-server.ts';
export { endLeftoverPostgres } from './postgres-leftover.ts';
export { type PostgresServer, type PostgresServerOptions, startPostgres } from './postgres-server.ts';
export { postgresUserReaches } from './postgres-user.ts';
export { endProcess, isProcessAlive, type ProcessIdentity, processIdentity } from './process-identity.ts';
export { tellWatcher, watchedCommand } from './server-process.ts';
