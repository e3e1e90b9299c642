import type { RegisteredRouter } from '../../../app/routers/router-registry.ts';
import type { RouterTerms } from '../../../domain/routers/router-settings.ts';

/** The settings in a row of `routers`. */
export interface RegistrationRow {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly key_id: string;
  readonly sealed_key: Buffer | null;
  readonly sealed_with: string | null;
  readonly key_fingerprint: string;
  readonly ca_pem: string;
  readonly fingerprint: string;
  readonly wishes: Partial<Pick<RouterTerms, 'wanInterface' | 'externalIp' | 'dhcpNetwork' | 'dhcpSubnet'>>;
  readonly from_settings: boolean;
  readonly enabled: boolean;
  readonly revision: string;
  readonly connection: string;
  readonly borrowed: boolean;
}

export const registrationColumns = `name, host, port, key_id, sealed_key, sealed_with, key_fingerprint, ca_pem, fingerprint, wishes,
  from_settings, enabled, revision, connection, coalesce(borrowed_until > clock_timestamp(), false) AS borrowed`;

export function toRegistered(row: RegistrationRow): RegisteredRouter {
  const { wishes, sealed_key: bytes, sealed_with: masterKeyId } = row;
  return {
    name: row.name,
    terms: termsOf(row, wishes),
    sealedKey: bytes === null || masterKeyId === null ? undefined : { bytes, masterKeyId },
    keyFingerprint: row.key_fingerprint,
    fromSettings: row.from_settings,
    enabled: row.enabled,
    revision: BigInt(row.revision),
    connection: BigInt(row.connection),
    borrowed: row.borrowed,
  };
}

const termsOf = (row: RegistrationRow, wishes: RegistrationRow['wishes']): RouterTerms => ({
  host: row.host,
  port: row.port,
  keyId: row.key_id,
  caPem: row.ca_pem,
  fingerprint: row.fingerprint,
  wanInterface: wishes.wanInterface ?? '',
  externalIp: wishes.externalIp ?? '',
  dhcpNetwork: wishes.dhcpNetwork ?? '',
  dhcpSubnet: wishes.dhcpSubnet ?? '',
});
