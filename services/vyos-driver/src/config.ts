import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { weaknessOfSecret } from '@berth/contracts';
import { type EnvReader, envReader, readDatabaseUrl, readNatsUrl } from '@berth/service-kit';
import { type MasterKey, readMasterKeys } from '@berth/vault';

import type { DriverTimes } from './app/driver-times.ts';
import type { HistorySettings } from './app/history/keep-history.ts';
import type { RouterWorkSettings } from './app/session/session-parts.ts';
import type { ProfileWishes } from './domain/inventory/inventory.ts';
import { isFingerprint, isHost, isPrefix, routerName } from './domain/routers/router-settings.ts';

/** Where the router of the environment is, and how to get in. Its key is in this object alone: never stored, never logged. */
export interface RouterSettings {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly keyId: string;
  readonly key: string;
  /** PEM text. */
  readonly caFile: string | undefined;
  readonly fingerprint: string | undefined;
}

export interface DriverConfig {
  readonly databaseUrl: string;
  readonly natsUrl: string;
  readonly prefix: string;
  readonly router: RouterSettings;
  readonly wishes: ProfileWishes;
  readonly settings: RouterWorkSettings;
  readonly times: DriverTimes;
  /** Encrypt the API keys of routers that are added; the first writes. None: no router can be added. */
  readonly encryptionKeys?: readonly MasterKey[];
  /** The breaker opens after so many outages in a row, and lets a probe through after so long. */
  readonly breaker: { readonly threshold: number; readonly resetTimeoutMs: number };
  readonly history: HistorySettings;
  /** How long the start waits for the first look at the router, in milliseconds. */
  readonly startLookMs: number;
}

/** Defaults of every time that the driver keeps to. Each can be set: `BERTH_DRIVER_` and the name in capitals. */
export const defaultTimes: DriverTimes = {
  leaseTtlMs: 9_000,
  leaseMarginMs: 3_000,
  batchFloorMs: 10_000,
  batchMostMs: 300_000,
  batchPauseMs: 250,
  pollMs: 1_000,
  settleDelayMs: 1_000,
  probeEveryMs: 10_000,
  driftEveryMs: 60_000,
  inventoryMaxAgeMs: 60_000,
  lockedFirstMs: 250,
  lockedMostMs: 5_000,
  lockedAlarmMs: 60_000,
  awayFirstMs: 250,
  awayMostMs: 5_000,
  troubleFirstMs: 5_000,
  troubleMostMs: 60_000,
  saveWithinMs: 5_000,
  writeTimeoutMs: 60_000,
  readTimeoutMs: 120_000,
  probeTimeoutMs: 30_000,
  stopGraceMs: 7_000,
  sweepMs: 3_000,
};

/** Reads the settings of one process; throws once, naming everything that is wrong. */
export function readConfig(env: NodeJS.ProcessEnv): DriverConfig {
  const read = envReader(env);
  const router = readRouter(read);
  const times = readTimes(read);
  if (times.leaseMarginMs * 2 > times.leaseTtlMs) {
    read.reject('BERTH_DRIVER_LEASE_MARGIN_MS must be at most half of BERTH_DRIVER_LEASE_TTL_MS');
  }
  return read.finish({
    databaseUrl: readDatabaseUrl(read),
    natsUrl: readNatsUrl(read),
    prefix: read.text('BERTH_SUBJECT_PREFIX', {
      fallback: 'berth',
      pattern: /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/,
      hint: 'subject tokens: letters, digits, - and _, separated by dots',
    }),
    router,
    wishes: readWishes(read),
    settings: {
      commitConfirmMinutes: read.integer('BERTH_COMMIT_CONFIRM_MINUTES', { min: 0, max: 60, fallback: 2 }),
    },
    times,
    encryptionKeys: readMasterKeys(read),
    breaker: {
      threshold: read.integer('BERTH_DRIVER_BREAKER_THRESHOLD', { min: 1, fallback: 3 }),
      resetTimeoutMs: read.integer('BERTH_DRIVER_BREAKER_RESET_MS', { min: 1, fallback: 5_000 }),
    },
    history: {
      days: read.integer('BERTH_HISTORY_DAYS', { min: 1, max: 36_500, fallback: 90 }),
      commits: read.integer('BERTH_HISTORY_COMMITS', { min: 10, max: 10_000_000, fallback: 10_000 }),
    },
    startLookMs: read.integer('BERTH_DRIVER_START_LOOK_MS', { min: 0, fallback: 15_000 }),
  });
}

/** A router's API does not slow down guessing. */
const shortestKey = 16;

/** Names under which other programs let people switch off that certificates are verified. */
const verificationSwitches = ['VYOS_VERIFY_TLS', 'VYOS_VERIFY_SSL', 'VYOS_TLS_VERIFY'] as const;

function readRouter(read: EnvReader): RouterSettings {
  const key = read.text('VYOS_API_KEY');
  const weakness = key === '' ? undefined : weaknessOfSecret(key, shortestKey);
  if (weakness !== undefined) {
    read.reject(`VYOS_API_KEY ${weakness}. Whoever reaches the router could guess it: change it there, then here`);
  }
  for (const name of verificationSwitches) {
    if (/^(0|false|no|off)$/i.test(read.optionalText(name) ?? '')) {
      read.reject(`${name} cannot be off: set VYOS_CA_FILE or VYOS_TLS_FINGERPRINT instead`);
    }
  }
  const fingerprint = read.optionalText('VYOS_TLS_FINGERPRINT');
  if (fingerprint !== undefined && !isFingerprint(fingerprint)) {
    read.reject('VYOS_TLS_FINGERPRINT must be 64 hexadecimal digits (SHA-256 of the certificate), colons allowed');
  }
  return {
    name: read.text('VYOS_ROUTER_NAME', {
      fallback: 'default',
      pattern: routerName,
      hint: 'letters, digits and -, at most 63',
    }),
    host: readHost(read),
    port: read.integer('VYOS_API_PORT', { min: 1, max: 65_535, fallback: 443 }),
    keyId: read.text('VYOS_API_KEY_ID', { fallback: 'berth' }),
    key,
    caFile: readCertificates(read),
    fingerprint,
  };
}

function readHost(read: EnvReader): string {
  const host = read.text('VYOS_IP');
  if (/^http:/i.test(host)) read.reject('VYOS_IP names plain HTTP: routers are spoken to over HTTPS only');
  else if (host !== '' && !isHost(host)) read.reject('VYOS_IP must be an address or a host name');
  return host;
}

function readCertificates(read: EnvReader): string | undefined {
  const path = read.optionalText('VYOS_CA_FILE');
  if (path === undefined) return undefined;
  try {
    const text = readFileSync(path, 'utf8');
    if (!text.includes('BEGIN CERTIFICATE')) read.reject('VYOS_CA_FILE holds no certificate in PEM form');
    return text;
  } catch {
    read.reject('VYOS_CA_FILE cannot be read');
    return undefined;
  }
}

function readWishes(read: EnvReader): ProfileWishes {
  const externalIp = read.optionalText('BERTH_EXTERNAL_IP');
  if (externalIp !== undefined && !isIPv4(externalIp)) read.reject('BERTH_EXTERNAL_IP must be an IPv4 address');
  const dhcpSubnet = read.optionalText('BERTH_DHCP_SUBNET');
  if (dhcpSubnet !== undefined && !isPrefix(dhcpSubnet)) {
    read.reject('BERTH_DHCP_SUBNET must be an IPv4 prefix, for example 10.10.0.0/16');
  }
  return {
    wanInterface: read.optionalText('BERTH_WAN_INTERFACE'),
    externalIp,
    dhcpNetwork: read.optionalText('BERTH_DHCP_NETWORK'),
    dhcpSubnet,
  };
}

function readTimes(read: EnvReader): DriverTimes {
  const ms = (name: keyof DriverTimes, min = 1) => {
    const variable = `BERTH_DRIVER_${name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()}`;
    return read.integer(variable, { min, fallback: defaultTimes[name] });
  };
  return {
    leaseTtlMs: ms('leaseTtlMs', 100),
    leaseMarginMs: ms('leaseMarginMs'),
    batchFloorMs: ms('batchFloorMs'),
    batchMostMs: ms('batchMostMs'),
    batchPauseMs: ms('batchPauseMs', 0),
    pollMs: ms('pollMs'),
    settleDelayMs: ms('settleDelayMs', 0),
    probeEveryMs: ms('probeEveryMs'),
    driftEveryMs: ms('driftEveryMs'),
    inventoryMaxAgeMs: ms('inventoryMaxAgeMs', 0),
    lockedFirstMs: ms('lockedFirstMs'),
    lockedMostMs: ms('lockedMostMs'),
    lockedAlarmMs: ms('lockedAlarmMs', 0),
    awayFirstMs: ms('awayFirstMs'),
    awayMostMs: ms('awayMostMs'),
    troubleFirstMs: ms('troubleFirstMs'),
    troubleMostMs: ms('troubleMostMs'),
    saveWithinMs: ms('saveWithinMs', 0),
    writeTimeoutMs: ms('writeTimeoutMs'),
    readTimeoutMs: ms('readTimeoutMs'),
    probeTimeoutMs: ms('probeTimeoutMs'),
    stopGraceMs: ms('stopGraceMs', 0),
    sweepMs: ms('sweepMs'),
  };
}
