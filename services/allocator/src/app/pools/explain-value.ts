import { permitsFor, requirePermission } from '@berth/contracts';
import { DomainError, type FieldError } from '@berth/errors';
import { parseIpv4 } from '../../domain/ipv4.ts';
import { explainValue, type ValueFacts } from '../../domain/pools/explain-value.ts';
import { type Pool, resourceName } from '../../domain/pools/pool.ts';
import { invalidFields } from '../../domain/pools/validate-pool.ts';
import { type Router, routerNotTold, routerUnavailable } from '../../domain/routers/router.ts';
import type { SpaceKind } from '../../domain/values/choose-values.ts';
import type { Caller } from '../commands.ts';
import { type HeldRun, seenBy } from './list-allocations.ts';
import { seesPool } from './read-pools.ts';

/** A value as it is asked about; exactly one of the three is there. */
export interface ValueQuestion {
  /** Empty: the default router. */
  readonly router: string;
  readonly address: string | undefined;
  readonly port: number | undefined;
  readonly ruleNumber: number | undefined;
  /** Of ports; empty: the router's. */
  readonly externalIp: string;
}

/** What is known of a value in one space. */
export interface FoundValue {
  readonly space: SpaceKind;
  /** The pool whose part has it; null: what is of no pool; undefined: nobody's. */
  readonly poolId: string | null | undefined;
  readonly holder: HeldRun | undefined;
}

export interface ValueReader {
  /** A router with its pools; undefined: there is none. */
  router(name: string): Promise<{ readonly router: Router; readonly pools: readonly Pool[] } | undefined>;
  /** The value in each of these spaces, in their order. */
  find(at: {
    readonly router: string;
    readonly spaces: readonly SpaceKind[];
    readonly externalIp: string;
    readonly value: number;
  }): Promise<readonly FoundValue[]>;
}

export interface Explanation {
  /** Empty: of none, or of one that the caller may not see. */
  readonly pool: string;
  readonly free: boolean;
  readonly available: boolean;
  readonly holders: readonly HeldRun[];
  readonly reason: string;
}

/** Who holds a value, or whether and why it can or cannot be handed out. */
export async function explain(
  deps: { readonly values: ValueReader; readonly defaultRouter: string },
  caller: Caller,
  question: ValueQuestion,
): Promise<Explanation> {
  requirePermission(caller, 'pools:read');
  const { spaces, value } = readQuestion(question);
  const name = question.router || deps.defaultRouter;
  const known = await deps.values.router(name);
  if (known === undefined && name !== deps.defaultRouter) throw unknownRouter(name);
  const site = known?.router.site;
  if (!known || !site) throw known ? routerUnavailable(known.router) : routerNotTold(name);
  const isPort = question.port !== undefined;
  const externalIp = isPort ? question.externalIp || site.externalIp : '';
  const found = await deps.values.find({ router: name, spaces, externalIp, value });
  const pools = known.pools.filter((pool) => seesPool(caller, pool));
  const facts = found.map((one) => factsOf(one, value, known.pools, caller));
  const explained = facts.map((one) => explainValue(one, known.router, pools));
  const pool = facts.find((one) => one.pool && one.poolIsKnown)?.pool;
  const holders = facts.flatMap(({ run }) => run ?? []);
  return {
    pool: pool ? resourceName(pool) : '',
    free: holders.length === 0,
    available: explained.length > 0 && explained.every(({ available }) => available),
    holders,
    reason: `${[...new Set(explained.map(({ reason }) => reason))].join('; ')}.`,
  };
}

function factsOf(
  { space, poolId, holder }: FoundValue,
  value: number,
  pools: readonly Pool[],
  caller: Caller,
): ValueFacts & { readonly run: HeldRun | undefined } {
  const pool = typeof poolId === 'string' ? pools.find(({ id }) => id === poolId) : poolId;
  const poolIsKnown = !!pool && seesPool(caller, pool);
  const seen = holder && seenBy(caller, holder);
  const run = seen && !poolIsKnown && isOfPool(seen, poolId) ? withoutWords(caller, seen) : seen;
  const told = run && { kind: run.holder, vmName: run.vmName, note: run.note, until: run.until };
  return { space, value, pool, poolIsKnown, holder: told, run };
}

/** Whether what is said of a value is the pool's own: a reservation is of one always. */
const isOfPool = ({ holder }: HeldRun, poolId: FoundValue['poolId']): boolean =>
  typeof poolId === 'string' || holder === 'reserved';

/** What is left for those who may not know of the pool: that the value is held. */
const withoutWords = (caller: Caller, run: HeldRun): HeldRun =>
  permitsFor(caller, 'pools:read', run.ownerGroup) ? run : { ...run, reservationId: '', note: '' };

const unknownRouter = (name: string) =>
  new DomainError('invalid', 'UNKNOWN_ROUTER', `There is no router "${name}".`, {
    fields: [{ field: 'router', message: `there is no router "${name}"` }],
  });

function readQuestion(question: ValueQuestion): { readonly spaces: readonly SpaceKind[]; readonly value: number } {
  const wrong: FieldError[] = [];
  if (question.externalIp !== '' && (question.port === undefined || parseIpv4(question.externalIp) === undefined)) {
    wrong.push({ field: 'external_ip', message: 'must be an IPv4 address, and goes with a port' });
  }
  const { address, port, ruleNumber } = question;
  const number = address === undefined ? (port ?? ruleNumber) : parseIpv4(address);
  if (address !== undefined && number === undefined)
    wrong.push({ field: 'address', message: 'must be an IPv4 address' });
  else if (number === undefined)
    wrong.push({ field: 'value', message: 'one of address, port and rule_number must be there' });
  if (port !== undefined && !(port >= 1 && port <= 65_535))
    wrong.push({ field: 'port', message: 'must be from 1 to 65535' });
  if (ruleNumber !== undefined && !(ruleNumber >= 1 && ruleNumber <= 999_999)) {
    wrong.push({ field: 'rule_number', message: 'must be from 1 to 999999' });
  }
  if (wrong.length > 0 || number === undefined) throw invalidFields(wrong);
  const spaces: readonly SpaceKind[] =
    address !== undefined ? ['address'] : port !== undefined ? ['tcp', 'udp'] : ['rule'];
  return { spaces, value: number };
}
