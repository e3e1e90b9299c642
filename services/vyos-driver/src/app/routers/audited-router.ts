import { createHash } from 'node:crypto';
import { type AuditedChange, type AuditedState, differences } from '@berth/contracts';
import type { RegisteredRouter } from './router-registry.ts';

/** A change of a router's registration as the audit log tells it; undefined: not registered. Its key is in none. */
export function auditedRouter(
  name: string,
  before: RegisteredRouter | undefined,
  after: RegisteredRouter | undefined,
  at: Date,
): AuditedChange {
  const common = { resource: { id: name, name }, at };
  if (before === undefined) return { action: 'router.created', ...common, ...(after && { after: shown(after) }) };
  if (after === undefined) return { action: 'router.deleted', ...common, before: shown(before) };
  return { action: 'router.changed', ...common, ...differences(shown(before), shown(after)) };
}

/**
 * The names are those of the API, and so is null for what is not given. Of the key what tells it from others, of certificates what tells them
 * from others: they are long.
 */
const shown = ({ terms, keyFingerprint, fromSettings, enabled, revision }: RegisteredRouter): AuditedState => ({
  ...{ host: terms.host, port: terms.port, key_id: terms.keyId, key_fingerprint: orNull(keyFingerprint) },
  ...{ fingerprint: orNull(terms.fingerprint), ca_pem_sha256: terms.caPem === '' ? null : sha256(terms.caPem) },
  ...{ wan_interface: orNull(terms.wanInterface), external_ip: orNull(terms.externalIp) },
  ...{ dhcp_network: orNull(terms.dhcpNetwork), dhcp_subnet: orNull(terms.dhcpSubnet) },
  ...{ from_settings: fromSettings, enabled, version: Number(revision) },
});

const orNull = (text: string): string | null => (text === '' ? null : text);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
