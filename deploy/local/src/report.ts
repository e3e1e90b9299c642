import { existsSync } from 'node:fs';
import type { RunningSystem } from './start-system.ts';
import type { StateFolder } from './state-folder.ts';

/** The one line that `up --json` prints. */
export function jsonReport(system: RunningSystem): string {
  const { api, grpc, nats, router, logs, services } = system;
  return JSON.stringify({
    api,
    admin_api_key: system.adminApiKey === '' ? null : system.adminApiKey,
    grpc,
    nats: { server: nats.server, url_file: nats.urlFile, subject_prefix: nats.subjectPrefix },
    router,
    services: services.map(({ name, pid, url }) => ({ name, pid, url })),
    logs,
    pid: process.pid,
  });
}

type Paths = Pick<StateFolder, 'path' | 'adminKeyFile' | 'adminPasswordFile'>;

/** What `up` tells a person. Key and password are shown only by the start that made them. */
export function textReport(system: RunningSystem, paths: Paths): string {
  const { nats } = system;
  const isKnown = system.adminApiKey !== '';
  const key = system.adminApiKeyIsNew ? system.adminApiKey : `$(cat '${paths.adminKeyFile}')`;
  return [
    '',
    'Berth is running.',
    '',
    `  API            ${system.api}`,
    `  Admin API key  ${keyLine(system, paths.adminKeyFile)}`,
    `  Admin user     ${userLine(system, paths.adminPasswordFile)}`,
    `  Router         ${system.router === null ? 'the one at VYOS_IP' : `a simulated one at ${system.router.url}`}`,
    ...(system.router === null
      ? []
      : [`  Play it        ${system.router.control}  (see test/vyos-simulator/README.md)`]),
    `  Pools (gRPC)   ${system.grpc}`,
    `  Events (NATS)  ${nats.server}, below ${nats.subjectPrefix}.events; with credentials in ${nats.urlFile}`,
    `  Logs           ${system.logs}`,
    '',
    'Give a VM its address and ports:',
    '',
    `  curl -X POST ${system.api}/v1/vms/provision -H "X-API-Key: ${isKnown ? key : '<key>'}" \\`,
    `    -H 'Content-Type: application/json' -d '{"vm_name":"web-1"}'`,
    '',
    `Ctrl-C stops everything. What was done is kept in ${paths.path}.`,
    '',
  ].join('\n');
}

function userLine({ newAdminPassword }: RunningSystem, file: string): string {
  if (newAdminPassword === '') {
    return existsSync(file) ? `made at an earlier start; its first password: ${file}` : 'made by another start';
  }
  return `admin, password ${newAdminPassword}  (shown this once; kept for you in ${file})`;
}

function keyLine(system: RunningSystem, file: string): string {
  if (system.adminApiKeyIsNew) return `${system.adminApiKey}  (shown this once; kept for you in ${file})`;
  return system.adminApiKey === '' ? 'made by another start with this database' : `made at an earlier start: ${file}`;
}
