import {
  CheckResult,
  type RouterDetails,
  type RouterProfile,
  RouterState,
  type TestRouterResponse,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { showTime } from '../show-time.ts';
import type { RouterDocument, RouterTestDocument } from './router-schemas.ts';

export const routerStates: Record<RouterState, RouterDocument['state']> = {
  [RouterState.UNSPECIFIED]: 'unseen',
  [RouterState.OK]: 'ok',
  [RouterState.UNREACHABLE]: 'unreachable',
  [RouterState.BREAKER_OPEN]: 'breaker_open',
  [RouterState.UNKNOWN]: 'unknown',
  [RouterState.BLOCKED]: 'blocked',
  [RouterState.DISABLED]: 'disabled',
  [RouterState.REMOVED]: 'disabled',
};

const results: Record<CheckResult, RouterTestDocument['checks'][number]['result']> = {
  [CheckResult.UNSPECIFIED]: 'failed',
  [CheckResult.OK]: 'ok',
  [CheckResult.WARNING]: 'warning',
  [CheckResult.FAILED]: 'failed',
};

/** A router without its API key. */
export function showRouter(details: RouterDetails): RouterDocument {
  const { status, settings, cost, lastLookAt } = details;
  if (status === undefined || settings === undefined) {
    throw new DomainError('bug', 'INTERNAL', 'An answer came without its router.');
  }
  return {
    name: status.router,
    state: routerStates[status.state] ?? 'unknown',
    reason: status.reason,
    since: showTime(status.since),
    retry_after_seconds: status.retryAfterSeconds,
    enabled: details.enabled,
    from_settings: details.fromSettings,
    host: settings.host,
    port: settings.port,
    key_id: settings.keyId,
    key_fingerprint: orNull(details.keyFingerprint),
    ca_pem: orNull(settings.caPem),
    fingerprint: orNull(settings.fingerprint),
    wan_interface: orNull(settings.wanInterface),
    external_ip: orNull(settings.externalIp),
    dhcp_network: orNull(settings.dhcpNetwork),
    dhcp_subnet: orNull(settings.dhcpSubnet),
    vyos_version: orNull(status.version),
    profile: showProfile(status.profile),
    breaker: status.state === RouterState.BREAKER_OPEN ? 'open' : 'closed',
    lease: { holder: orNull(details.leaseHolder), epoch: Number(details.leaseEpoch) },
    commits: { applied: Number(details.appliedCommits), saved: Number(details.savedCommits) },
    vms: details.appliedVms,
    waiting_changes: details.waitingChanges,
    cost: cost
      ? {
          fixed_ms: cost.fixedMs,
          nat_set_ms: cost.natSetMs,
          mapping_set_ms: cost.mappingSetMs,
          delete_ms: cost.deleteMs,
          size_ms: cost.sizeMs,
        }
      : null,
    last_look_at: lastLookAt ? showTime(lastLookAt) : null,
    last_look_ms: details.lastLookMs,
    version: Number(details.version),
    created_at: showTime(details.createdAt),
    updated_at: showTime(details.updatedAt),
  };
}

export function showRouterTest(test: TestRouterResponse): RouterTestDocument {
  const { certificate } = test;
  // The driver's names of checks are those of the API.
  const checks = test.checks.map(({ name, result, message }) => ({
    name: name as RouterTestDocument['checks'][number]['name'],
    result: results[result] ?? 'failed',
    message,
  }));
  return {
    ok: checks.every(({ result }) => result !== 'failed'),
    checks,
    certificate: certificate
      ? {
          fingerprint: certificate.fingerprint,
          subject: certificate.subject,
          expires_at: showTime(certificate.expiresAt),
        }
      : null,
    vyos_version: orNull(test.version),
    profile: showProfile(test.profile),
  };
}

const orNull = (text: string): string | null => (text === '' ? null : text);

function showProfile(profile: RouterProfile | undefined): RouterDocument['profile'] {
  if (profile === undefined) return null;
  return {
    wan_interface: profile.wanInterface,
    external_ip: profile.externalIp,
    dhcp_network: profile.dhcpNetwork,
    dhcp_subnet: profile.dhcpSubnet,
    gateway: profile.gateway,
    subnets: profile.subnets.map(({ network, subnet, subnetId, gateway, nameServers, leaseSeconds }) => ({
      ...{ network, subnet, subnet_id: subnetId, gateway, name_servers: nameServers, lease_seconds: leaseSeconds },
    })),
    interfaces: profile.interfaces.map(({ name, addresses, dynamic }) => ({ name, addresses, dynamic })),
  };
}
