import { createHash } from 'node:crypto';
import { groupsWhere } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { checkAll } from '../../domain/check-fields.ts';
import { parseIpv4, parsePrefix } from '../../domain/ipv4.ts';
import { normalizeMac } from '../../domain/mac-address.ts';
import type { NumberRange } from '../../domain/number-range.ts';
import { isUuid } from '../../domain/text-rules.ts';
import type { Vm, VmState } from '../../domain/vms/vm.ts';
import type { Caller } from '../commands.ts';

export type VmOrder = 'name' | 'created_at' | 'updated_at' | 'internal_ip';

/** Which VMs to list, as it was asked; what is empty or 0 does not matter. */
export interface VmFilter {
  readonly ownerGroup: string;
  readonly withoutGroup: boolean;
  readonly router: string;
  /** By kind and name: "ip-pools/edge". */
  readonly pool: string;
  /** An address, or a prefix. */
  readonly address: string;
  readonly externalPort: number;
  readonly states: readonly VmState[];
  readonly text: string;
  readonly macAddress: string;
}

export interface ListRequest {
  /** 0: the usual. */
  readonly size: number;
  readonly token: string;
  readonly filter: VmFilter;
  readonly order: VmOrder;
  readonly descending: boolean;
}

/** A place in a list: what the list is ordered by, as text, and the id. */
export type Place = readonly [key: string, id: string];

/** A page to read. */
export interface VmPage {
  /** The groups whose VMs the caller may see; `all`: whosever they are. */
  readonly visibleTo: 'all' | readonly string[];
  readonly filter: VmFilter;
  readonly addresses: NumberRange | undefined;
  readonly order: VmOrder;
  readonly descending: boolean;
  readonly after: Place | undefined;
  readonly size: number;
}

export interface VmList {
  /** VMs in order, each with its place. The number of statements does not depend on the size. */
  page(page: VmPage): Promise<readonly { readonly vm: Vm; readonly place: Place }[]>;
}

const defaultPageSize = 500;
const maxPageSize = 1_000;
const maxText = 255;

/** A page of the VMs that the caller may see, and where the next one begins. `fitting`: how many of the first go into one answer. */
export async function listVms(
  deps: { readonly list: VmList; readonly fitting: (vms: readonly Vm[]) => number },
  caller: Caller,
  request: ListRequest,
): Promise<{ readonly vms: readonly Vm[]; readonly nextToken: string }> {
  const { order, descending } = request;
  const { filter, addresses } = checkedFilter(request.filter);
  const size = Math.min(request.size || defaultPageSize, maxPageSize);
  const visibleTo = groupsWhere(caller, 'vms:read');
  const query = fingerprintOf([visibleTo, filter, order, descending]);
  const after = readToken(request.token, query, order);
  const page = { visibleTo, filter, addresses, order, descending, after };
  // one more than the page tells whether there is another
  const found = await deps.list.page({ ...page, size: size + 1 });
  const vms = found.slice(0, size).map(({ vm }) => vm);
  const count = deps.fitting(vms);
  const last = found.length > count ? found[count - 1] : undefined;
  return { vms: vms.slice(0, count), nextToken: last ? writeToken(query, last.place) : '' };
}

function checkedFilter(filter: VmFilter): { filter: VmFilter; addresses: NumberRange | undefined } {
  const address = parseIpv4(filter.address);
  const addresses = address === undefined ? parsePrefix(filter.address) : { first: address, last: address };
  const macAddress = filter.macAddress === '' ? '' : normalizeMac(filter.macAddress);
  checkAll((complain) => {
    if (filter.address !== '' && addresses === undefined) complain('address', 'must be an IPv4 address or network');
    if (filter.externalPort > 65_535) complain('port', 'is not a port');
    if (macAddress === undefined) complain('mac_address', 'must be a MAC address');
    const texts = { group: filter.ownerGroup, router: filter.router, pool: filter.pool, text: filter.text };
    for (const [field, text] of Object.entries(texts)) {
      if (text.length > maxText || text.includes('\u0000')) complain(field, `at most ${maxText} characters, no U+0000`);
    }
    if (filter.withoutGroup && filter.ownerGroup !== '') complain('group', 'contradicts that there be none');
  });
  return { filter: { ...filter, macAddress: macAddress ?? '' }, addresses };
}

const fingerprintOf = (query: unknown): string =>
  createHash('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, 16);

const writeToken = (query: string, place: Place): string =>
  Buffer.from(JSON.stringify([query, ...place])).toString('base64url');

/** Throws for a token that was not given out, or for a list of another filter or order. */
function readToken(token: string, query: string, order: VmOrder): Place | undefined {
  if (token === '') return undefined;
  let parts: unknown;
  try {
    parts = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
  } catch {
    throw badToken('is not one that was given out');
  }
  const [of, key, id]: unknown[] = Array.isArray(parts) ? parts : [];
  if (typeof key !== 'string' || typeof id !== 'string' || !isUuid(id)) throw badToken('is not one that was given out');
  if (of !== query) throw badToken('is of a list with another filter or order');
  if (!isKeyOf[order](key)) throw badToken('is not one that was given out');
  return [key, id];
}

const isKeyOf: Record<VmOrder, (key: string) => boolean> = {
  name: (key) => key.length <= maxText && !key.includes('\u0000'),
  created_at: isMoment,
  updated_at: isMoment,
  internal_ip: (key) => key.endsWith('/32') && parseIpv4(key.slice(0, -'/32'.length)) !== undefined,
};

/** A moment as Postgres writes it, on a day that there is: "2026-01-31 09:30:00.123456+00". */
function isMoment(key: string): boolean {
  const [, day, time] =
    /^([1-9]\d{3}-\d\d-\d\d) (\d\d:\d\d:\d\d)(?:\.\d{1,6})?[+-](?:0\d|1[0-4])(?::[0-5]\d)?$/.exec(key) ?? [];
  if (day === undefined || time === undefined) return false;
  const moment = new Date(`${day}T${time}Z`);
  // Dates take the 31st of February for the 3rd of March.
  return Number.isFinite(moment.getTime()) && moment.toISOString().startsWith(`${day}T${time}`);
}

const badToken = (why: string): DomainError =>
  new DomainError('invalid', 'PAGE_TOKEN_INVALID', `The page token ${why}.`, {
    fields: [{ field: 'cursor', message: why }],
  });
