import type { Sql } from '@berth/database';
import type { WireError } from '@berth/errors';
import { LookAgain } from '../../../app/ports.ts';
import type { Operation } from '../../../domain/operations/operation.ts';
import type { Vm } from '../../../domain/vms/vm.ts';

/** A VM as jsonb holds it: its moments are text there. */
type StoredVm = Omit<Vm, 'createdAt' | 'updatedAt'> & { readonly createdAt: string; readonly updatedAt: string };

export interface OperationRow {
  readonly id: string;
  readonly kind: Operation['kind'];
  readonly state: Operation['state'];
  readonly router: string;
  readonly vm_id: string;
  readonly vm_name: string;
  readonly owner_group: string;
  readonly principal_id: string;
  readonly principal_name: string;
  readonly user_id: string;
  readonly request_id: string;
  readonly traceparent: string;
  readonly port_action: Operation['portAction'];
  readonly port_names: readonly string[];
  readonly edit: Operation['edit'];
  readonly vm_update: Operation['update'];
  readonly address_range: Operation['addressRange'];
  readonly step: string;
  readonly revision: string;
  readonly sent_at: string | null;
  readonly cancel_asked: boolean;
  readonly wanted: Operation['wanted'];
  readonly reserved: Operation['reserved'];
  readonly stood: boolean;
  readonly alone: boolean;
  readonly retries: number;
  readonly result: StoredVm | null;
  readonly error: WireError | null;
  readonly bulk_id: string | null;
  readonly bulk_index: number | null;
  /** Moments come as text from raw statements. */
  readonly created_at: string;
  readonly updated_at: string;
}

const fromStored = (vm: StoredVm): Vm => ({
  ...vm,
  createdAt: new Date(vm.createdAt),
  updatedAt: new Date(vm.updatedAt),
});

export const toOperation = (row: OperationRow): Operation => ({
  id: row.id,
  kind: row.kind,
  state: row.state,
  router: row.router,
  vmId: row.vm_id,
  vmName: row.vm_name,
  ownerGroup: row.owner_group,
  principalId: row.principal_id,
  principalName: row.principal_name,
  userId: row.user_id,
  requestId: row.request_id,
  traceparent: row.traceparent,
  portAction: row.port_action,
  portNames: row.port_names,
  edit: row.edit,
  update: row.vm_update,
  addressRange: row.address_range,
  step: row.step,
  revision: Number(row.revision),
  sentAt: row.sent_at === null ? null : new Date(row.sent_at),
  cancelAsked: row.cancel_asked,
  wanted: row.wanted,
  reserved: row.reserved,
  stood: row.stood,
  alone: row.alone,
  retries: row.retries,
  result: row.result && fromStored(row.result),
  error: row.error,
  ...(row.bulk_id !== null && { bulk: { id: row.bulk_id, index: row.bulk_index ?? 0 } }),
  createdAt: new Date(row.created_at),
  updatedAt: new Date(row.updated_at),
});

const columns = [
  ['id', 'uuid'],
  ['kind', 'text'],
  ['state', 'text'],
  ['router', 'text'],
  ['vm_id', 'uuid'],
  ['vm_name', 'text'],
  ['owner_group', 'text'],
  ['principal_id', 'text'],
  ['principal_name', 'text'],
  ['user_id', 'text'],
  ['request_id', 'text'],
  ['traceparent', 'text'],
  ['port_action', 'text'],
  ['port_names', 'jsonb'],
  ['edit', 'jsonb'],
  ['vm_update', 'jsonb'],
  ['address_range', 'jsonb'],
  ['step', 'text'],
  ['revision', 'bigint'],
  ['sent_at', 'timestamptz'],
  ['cancel_asked', 'boolean'],
  ['wanted', 'jsonb'],
  ['reserved', 'jsonb'],
  ['stood', 'boolean'],
  ['alone', 'boolean'],
  ['retries', 'integer'],
  ['result', 'jsonb'],
  ['error', 'jsonb'],
  ['bulk_id', 'uuid'],
  ['bulk_index', 'integer'],
  ['created_at', 'timestamptz'],
  ['updated_at', 'timestamptz'],
] as const;

const names = columns.map(([name]) => name).join(', ');
const changeable = [
  'state',
  'step',
  'revision',
  'sent_at',
  'cancel_asked',
  'wanted',
  'reserved',
  'stood',
  'alone',
  'retries',
  'result',
  'error',
  'updated_at',
];
const upsert = `INSERT INTO operations (${names})
  SELECT ${names} FROM jsonb_to_recordset($1::jsonb) AS r (${columns.map((column) => column.join(' ')).join(', ')}, place integer)
  ORDER BY place
  ON CONFLICT (id) DO UPDATE SET ${changeable.map((name) => `${name} = excluded.${name}`).join(', ')}
  WHERE operations.router = excluded.router`;

/**
 * Writes operations whole; new ones get their place in the order of the list. `LookAgain` when an id has come to be an operation's on
 * another router, whose lock this transaction does not have.
 */
export async function storeOperations(sql: Sql, operations: readonly Operation[]): Promise<void> {
  if (operations.length === 0) return;
  const rows = operations.map((operation, place) => ({
    place,
    id: operation.id,
    kind: operation.kind,
    state: operation.state,
    router: operation.router,
    vm_id: operation.vmId,
    vm_name: operation.vmName,
    owner_group: operation.ownerGroup,
    principal_id: operation.principalId,
    principal_name: operation.principalName,
    user_id: operation.userId,
    request_id: operation.requestId,
    traceparent: operation.traceparent,
    port_action: operation.portAction,
    port_names: operation.portNames,
    edit: operation.edit,
    vm_update: operation.update,
    address_range: operation.addressRange,
    step: operation.step,
    revision: operation.revision,
    sent_at: operation.sentAt,
    cancel_asked: operation.cancelAsked,
    wanted: operation.wanted,
    reserved: operation.reserved,
    stood: operation.stood,
    alone: operation.alone,
    retries: operation.retries,
    result: operation.result,
    error: operation.error,
    bulk_id: operation.bulk?.id ?? null,
    bulk_index: operation.bulk?.index ?? null,
    created_at: operation.createdAt,
    updated_at: operation.updatedAt,
  }));
  if ((await sql.execute(upsert, [JSON.stringify(rows)])) < rows.length) throw new LookAgain();
}

export async function operationsById(sql: Sql, ids: readonly string[]): Promise<Operation[]> {
  if (ids.length === 0) return [];
  return (await sql.query<OperationRow>('SELECT * FROM operations WHERE id = ANY($1)', [ids])).map(toOperation);
}
