import {
  addressOf,
  type FoundMapping,
  type FoundRule,
  type FoundValue,
  valuesOfForward,
} from '../../domain/adoption/adoption.ts';
import { describeValue, routerUnknown } from '../../domain/adoption/adoption-errors.ts';
import { type AdoptionPlan, type Found, planAdoption, refusing } from '../../domain/adoption/plan-adoption.ts';
import { parseIpv4 } from '../../domain/ipv4.ts';
import { type Router, siteOf } from '../../domain/routers/router.ts';
import { claimsOf, type IdentityClaim } from '../../domain/vms/vm-update.ts';
import type { Caller } from '../commands.ts';

/** What the books tell without locks. */
export interface AdoptionReader {
  router(name: string): Promise<Router | undefined>;
  /** Which of these values are held, and by whom in words; by their places. */
  holders(router: string, values: readonly FoundValue[]): Promise<ReadonlyMap<number, string>>;
  /** Which of these VMs hold; by their places. */
  claimants(claims: readonly IdentityClaim[]): Promise<ReadonlyMap<number, string>>;
  /** Names of living VMs on a router, by address. */
  vmsAt(router: string, addresses: readonly string[]): Promise<ReadonlyMap<string, string>>;
}

export interface AdoptionDeps {
  /** Fetches all that others made on a router, in the name of who asks. */
  readonly fetchFound: (router: string, caller: Caller) => Promise<Found>;
  readonly reader: AdoptionReader;
}

/** What can be adopted of a router now, and why the rest cannot. `names`: of VMs, by mapping. Throws ROUTER_UNKNOWN. */
export async function planFor(
  { fetchFound, reader }: AdoptionDeps,
  caller: Caller,
  asked: { readonly router: string; readonly names: ReadonlyMap<string, string> },
): Promise<AdoptionPlan> {
  const router = await reader.router(asked.router);
  if (router === undefined) throw routerUnknown(asked.router);
  siteOf(router); // throws before what others hold there is known
  const plan = planAdoption(await fetchFound(asked.router, caller), asked.names);
  const [mappings, rules, vms] = await Promise.all([
    mappingReasons(reader, asked.router, plan),
    ruleReasons(reader, asked.router, plan),
    reader.vmsAt(asked.router, [...new Set(plan.rules.map(({ rule }) => rule.translationAddress))].filter(isAddress)),
  ]);
  return refusing(plan, { mappings, rules, vms });
}

const isAddress = (text: string): boolean => parseIpv4(text) !== undefined;

const claimNames = { vm_id: 'id', vm_name: 'name', mac: 'MAC address', mapping: 'mapping name' } as const;

async function mappingReasons(reader: AdoptionReader, router: string, plan: AdoptionPlan) {
  const reasons = new Map<FoundMapping, string>();
  const adoptable = plan.mappings.filter(({ reason }) => reason === '');
  const values = adoptable.map(({ mapping }) => addressOf(mapping));
  for (const [place, by] of await reader.holders(router, values)) {
    const mapping = adoptable[place]?.mapping;
    if (mapping) reasons.set(mapping, `has ${mapping.ipAddress}, and that address ${by}`);
  }
  const claims = adoptable.flatMap(({ mapping, vmName: name, macAddress }) =>
    claimsOf({ name, macAddress, hostname: mapping.name }, { vmId: '', router, dhcpSubnet: mapping.subnet }).map(
      (claim) => ({ claim, mapping }),
    ),
  );
  for (const [place, vmName] of await reader.claimants(claims.map(({ claim }) => claim))) {
    const { claim, mapping } = claims[place] ?? {};
    if (!claim || !mapping) continue;
    const hint = claim.kind === 'vm_name' ? ': give it another name' : '';
    reasons.set(mapping, `has the ${claimNames[claim.kind]} ${claim.shown}, which the VM ${vmName} has${hint}`);
  }
  return reasons;
}

async function ruleReasons(reader: AdoptionReader, router: string, plan: AdoptionPlan) {
  const reasons = new Map<FoundRule, string>();
  const values = plan.mappings.flatMap(({ rules }) =>
    rules.flatMap(({ rule, forward }) => (forward ? valuesOfForward(forward).map((value) => ({ rule, value })) : [])),
  );
  const holders = await reader.holders(
    router,
    values.map(({ value }) => value),
  );
  for (const [place, by] of holders) {
    const { rule, value } = values[place] ?? {};
    if (rule && value) reasons.set(rule, `has ${describeValue(value)}, which ${by}`);
  }
  return reasons;
}
