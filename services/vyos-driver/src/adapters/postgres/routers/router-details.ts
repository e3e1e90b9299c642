import { RouterDetailsSchema } from '@berth/contracts';
import type { Database, Sql } from '@berth/database';
import { create, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { CostModel } from '../../../domain/batches/cost-model.ts';
import { routerUnknown } from '../../../domain/routers/router-unknown.ts';
import { type StatusRow, statusColumns, statusOfRow } from '../router-messages.ts';
import { type RegistrationRow, registrationColumns, toRegistered } from './router-rows.ts';

type Details = MessageInitShape<typeof RouterDetailsSchema>;

interface DetailsRow extends StatusRow, Omit<RegistrationRow, 'name'> {
  readonly created_ms: number;
  readonly updated_ms: number;
  readonly looked_ms: number | null;
  readonly inventory_cost_ms: number;
  readonly cost_model: CostModel | null;
  readonly applied_count: string;
  readonly saved_count: string;
  readonly holder: string | null;
  readonly lease_epoch: string;
  readonly waiting_changes: number;
  readonly applied_vms: number;
}

const inMs = (column: string) => `round(extract(epoch FROM ${column}) * 1000)::float8`;

const details = `SELECT ${statusColumns}, ${registrationColumns}, ${inMs('created_at')} AS created_ms, ${inMs('updated_at')} AS updated_ms,
  ${inMs('inventory_read_at')} AS looked_ms, inventory_cost_ms, cost_model, applied_count, saved_count, lease_epoch,
  CASE WHEN lease_until > clock_timestamp() THEN lease_holder END AS holder,
  (SELECT count(*)::integer FROM resources WHERE router = routers.name AND waiting) AS waiting_changes,
  (SELECT count(*)::integer FROM resources WHERE router = routers.name AND applied IS NOT NULL) AS applied_vms
  FROM routers WHERE removed_at IS NULL`;

/** Every managed router, in the order of their names. */
export const allRouterDetails = async (database: Database): Promise<Details[]> =>
  (await database.query<DetailsRow>(`${details} ORDER BY name`)).map(toDetails);

/** Throws `not_found` ROUTER_UNKNOWN. */
export async function routerDetails(sql: Pick<Sql, 'query'>, name: string): Promise<Details> {
  const [row] = await sql.query<DetailsRow>(`${details} AND name = $1`, [name]);
  if (row !== undefined) return toDetails(row);
  throw routerUnknown(name);
}

export const detailsBytes = (message: Details): Uint8Array =>
  toBinary(RouterDetailsSchema, create(RouterDetailsSchema, message));

function toDetails(row: DetailsRow): Details {
  const { terms, keyFingerprint, fromSettings, enabled, revision } = toRegistered(row);
  return {
    status: statusOfRow(row),
    settings: terms,
    keyFingerprint,
    fromSettings,
    enabled,
    version: revision,
    createdAt: timestampFromMs(row.created_ms),
    updatedAt: timestampFromMs(row.updated_ms),
    leaseHolder: row.holder ?? '',
    leaseEpoch: BigInt(row.lease_epoch),
    appliedCommits: BigInt(row.applied_count),
    savedCommits: BigInt(row.saved_count),
    waitingChanges: row.waiting_changes,
    ...(row.cost_model === null ? {} : { cost: costOf(row.cost_model) }),
    ...(row.looked_ms === null ? {} : { lastLookAt: timestampFromMs(row.looked_ms) }),
    lastLookMs: row.inventory_cost_ms,
    appliedVms: row.applied_vms,
  };
}

/** The order of the weights is that of the model. */
const costOf = ({ weights: [fixedMs = 0, sizeMs = 0, natSetMs = 0, mappingSetMs = 0, deleteMs = 0] }: CostModel) => ({
  ...{ fixedMs, sizeMs, natSetMs, mappingSetMs, deleteMs },
});
