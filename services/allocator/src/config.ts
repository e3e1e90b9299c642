import { type EnvReader, envReader, readDatabaseUrl, readNatsUrl, readPublicUrl } from '@berth/service-kit';
import type { TlsFiles } from './adapters/grpc/credentials.ts';
import { parseAddressRange } from './domain/ipv4.ts';
import { includes, type NumberRange } from './domain/number-range.ts';
import type { PoolSettings } from './domain/pools/default-pools.ts';
import { forwardablePorts } from './domain/pools/pool-segments.ts';

export interface AllocatorConfig {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly subjectPrefix: string;
  readonly grpcHost: string;
  /** 0 lets the system choose. */
  readonly grpcPort: number;
  /** undefined: in the clear. */
  readonly grpcTls: TlsFiles | undefined;
  /** gRPC calls a second of one key, on this replica; 0: no limit. */
  readonly callsPerSecond: number;
  /** How long it is believed who holds a key; a revocation ends that at once. 0 asks each time. */
  readonly keyCacheSeconds: number;
  /** The `iss` and `aud` of the access tokens that are let in. */
  readonly tokens: { readonly issuer: string; readonly audience: string };
  /** The router of commands that name none. */
  readonly defaultRouter: string;
  readonly pools: PoolSettings;
  /** How long released addresses, ports and rule numbers are held back: flows outlive a removed rule. */
  readonly quarantineMs: number;
  /** How long a plan holds its values when nobody says otherwise. */
  readonly planMs: number;
  /** How long a verdict may take before the change is sent to the driver again. */
  readonly resendAfterSeconds: number;
}

const lastRuleNumber = 999_999;
const loopback = '127.0.0.1';

/** `a-b` of whole numbers. */
function parseNumberRange(text: string): NumberRange | undefined {
  const match = /^\s*(\d{1,9})\s*-\s*(\d{1,9})\s*$/.exec(text);
  const range = match && { first: Number(match[1]), last: Number(match[2]) };
  return range && range.first <= range.last ? range : undefined;
}

/** Reads the settings; throws once, naming every one that is wrong. */
export function readConfig(env: NodeJS.ProcessEnv): AllocatorConfig {
  const read = envReader(env);
  const numberRange = (name: string, fallback: string, within: NumberRange): NumberRange => {
    const range = parseNumberRange(read.text(name, { fallback }));
    if (range && includes(within, range)) return range;
    read.reject(`${name} must be a range like ${fallback} within ${within.first}-${within.last}`);
    return within;
  };
  const addressText = read.optionalText('BERTH_ADDRESS_RANGE');
  const addressRange = addressText === undefined ? undefined : parseAddressRange(addressText);
  if (addressText !== undefined && addressRange === undefined) {
    read.reject('BERTH_ADDRESS_RANGE must be a range of IPv4 addresses like 10.0.0.10-10.0.0.250, or a prefix');
  }
  const defaultRouter = read.text('VYOS_ROUTER_NAME', { fallback: 'default' });
  return read.finish({
    databaseUrl: readDatabaseUrl(read),
    natsUrl: readNatsUrl(read),
    subjectPrefix: read.text('BERTH_SUBJECT_PREFIX', {
      fallback: 'berth',
      pattern: /^[A-Za-z0-9_-]+$/,
      hint: 'letters, digits, underscores and hyphens',
    }),
    grpcHost: read.text('GRPC_HOST', { fallback: loopback }),
    grpcPort: read.integer('GRPC_PORT', { min: 0, max: 65_535, fallback: 8_801 }),
    grpcTls: readGrpcTls(read),
    callsPerSecond: read.integer('BERTH_RATE_LIMIT_PER_SECOND', { min: 0, fallback: 300 }),
    keyCacheSeconds: read.integer('BERTH_KEY_CACHE_SECONDS', { min: 0, max: 3_600, fallback: 30 }),
    tokens: {
      issuer: readPublicUrl(read),
      audience: read.text('BERTH_TOKEN_AUDIENCE', { fallback: 'berth' }),
    },
    defaultRouter,
    pools: {
      addressRange,
      addressRangeFor: defaultRouter,
      portRange: numberRange('BERTH_PORT_RANGE', '32000-33000', forwardablePorts),
      ruleRange: numberRange('BERTH_RULE_RANGE', '10000-999999', { first: 1, last: lastRuleNumber }),
    },
    quarantineMs: read.integer('BERTH_QUARANTINE_SECONDS', { min: 0, max: 86_400 * 365, fallback: 60 }) * 1_000,
    planMs: read.integer('BERTH_PLAN_SECONDS', { min: 10, max: 3_600, fallback: 600 }) * 1_000,
    resendAfterSeconds: read.integer('BERTH_RESEND_SECONDS', { min: 1, max: 86_400, fallback: 30 }),
  });
}

/** The files of TLS. Without them only callers on this machine are served, unless the settings say that something in front does TLS. */
function readGrpcTls(read: EnvReader): TlsFiles | undefined {
  const certFile = read.optionalText('GRPC_TLS_CERT_FILE');
  const keyFile = read.optionalText('GRPC_TLS_KEY_FILE');
  const clientCaFile = read.optionalText('GRPC_TLS_CLIENT_CA_FILE');
  const inTheClear = read.flag('GRPC_INSECURE', { fallback: false });
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile, clientCaFile };
  if (certFile !== undefined || keyFile !== undefined)
    read.reject('GRPC_TLS_CERT_FILE and GRPC_TLS_KEY_FILE must be set together');
  else if (clientCaFile !== undefined)
    read.reject('GRPC_TLS_CLIENT_CA_FILE needs GRPC_TLS_CERT_FILE and GRPC_TLS_KEY_FILE');
  else if (!inTheClear && !isLoopback(read.text('GRPC_HOST', { fallback: loopback })))
    read.reject(
      'GRPC_HOST must be a loopback address as long as there is no TLS: API keys would be sent in the clear. Set GRPC_TLS_CERT_FILE and GRPC_TLS_KEY_FILE, or GRPC_INSECURE=1 when something in front does TLS',
    );
  return undefined;
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
