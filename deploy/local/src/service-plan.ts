import type { Schema } from './prepare-database.ts';
import type { Simulator } from './simulator-process.ts';

export const serviceNames = ['auth', 'allocator', 'vyos-driver', 'gateway'] as const;
export type ServiceName = (typeof serviceNames)[number];

/** Where each service's program is, from the repository's root. */
export const serviceEntries: Readonly<Record<ServiceName, string>> = {
  auth: 'services/auth/src/main.ts',
  allocator: 'services/allocator/src/main.ts',
  'vyos-driver': 'services/vyos-driver/src/main.ts',
  gateway: 'services/gateway/src/main.ts',
};

/** What the services of this system have around them. */
export interface Surroundings {
  readonly databaseUrls: Readonly<Record<Schema, string>>;
  readonly natsUrl: string;
  readonly subjectPrefix: string;
  readonly adminKeyFile: string;
  readonly adminPasswordFile: string;
  /** Unless the environment has a master key. */
  readonly encryptionKeyFile: string;
  /** Where mails go unless the environment names an SMTP server or another folder. */
  readonly mailFolder: string;
  /** Absent: the router of the environment (`VYOS_IP`). */
  readonly simulator: Simulator | undefined;
  readonly host: string;
  /** Where people reach the API (issuer of tokens, links in mails), unless the environment says so; undefined: as the services have it. */
  readonly publicUrl: string | undefined;
  /** Several gateways listen on one port. */
  readonly sharesPort: boolean;
}

/** Settings that only one service may know, or that mean something else to each. */
const notForAll: Readonly<Record<string, ServiceName | 'none' | readonly ServiceName[]>> = {
  DATABASE_URL: 'none',
  PORT: 'none',
  GRPC_PORT: 'none',
  VYOS_API_KEY: 'vyos-driver',
  BERTH_ENCRYPTION_KEYS: ['auth', 'vyos-driver'],
  BERTH_ENCRYPTION_KEY_FILE: ['auth', 'vyos-driver'],
  VYOS_API_KEYS: 'auth',
  BERTH_SMTP_URL: 'auth',
};

/**
 * A service's whole environment: `shared` without what belongs to others, and its own settings. `port` is the gateway's,
 * or the allocator's for gRPC.
 */
export function serviceEnvironment(
  name: ServiceName,
  shared: NodeJS.ProcessEnv,
  around: Surroundings,
  port: number,
): NodeJS.ProcessEnv {
  const mayKnow = ([setting]: readonly [string, unknown]) => [notForAll[setting] ?? name].flat().includes(name);
  return {
    ...Object.fromEntries(Object.entries(shared).filter(mayKnow)),
    NATS_URL: around.natsUrl,
    BERTH_SUBJECT_PREFIX: around.subjectPrefix,
    HEALTH_PORT: '0',
    ...(shared['BERTH_PUBLIC_URL'] || around.publicUrl === undefined ? {} : { BERTH_PUBLIC_URL: around.publicUrl }),
    ...own(name, around, port, shared),
  };
}

function own(name: ServiceName, around: Surroundings, port: number, shared: NodeJS.ProcessEnv): Record<string, string> {
  switch (name) {
    case 'auth':
      return {
        DATABASE_URL: around.databaseUrls.auth,
        BERTH_ADMIN_KEY_FILE: around.adminKeyFile,
        BERTH_ADMIN_PASSWORD_FILE: around.adminPasswordFile,
        ...(shared['BERTH_SMTP_URL'] || shared['BERTH_MAIL_FOLDER'] ? {} : { BERTH_MAIL_FOLDER: around.mailFolder }),
        ...encryptionSettings(around, shared),
      };
    case 'allocator':
      return { DATABASE_URL: around.databaseUrls.allocator, GRPC_PORT: String(port) };
    case 'vyos-driver':
      return {
        DATABASE_URL: around.databaseUrls.vyos_driver,
        ...routerSettings(around.simulator),
        ...encryptionSettings(around, shared),
      };
    case 'gateway':
      return { PORT: String(port), HOST: around.host, ...(around.sharesPort ? { BERTH_REUSE_PORT: '1' } : {}) };
  }
}

function encryptionSettings({ encryptionKeyFile }: Surroundings, shared: NodeJS.ProcessEnv): Record<string, string> {
  const given = shared['BERTH_ENCRYPTION_KEYS'] || shared['BERTH_ENCRYPTION_KEY_FILE'];
  return given ? {} : { BERTH_ENCRYPTION_KEY_FILE: encryptionKeyFile };
}

function routerSettings(simulator: Simulator | undefined): Record<string, string> {
  if (simulator === undefined) return {};
  const { hostname, port } = new URL(simulator.url);
  return {
    VYOS_IP: hostname,
    VYOS_API_PORT: port,
    VYOS_API_KEY_ID: simulator.keyId,
    VYOS_API_KEY: simulator.key,
    VYOS_TLS_FINGERPRINT: simulator.fingerprint,
  };
}
