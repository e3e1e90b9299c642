import { type AuditRecord, AuditRecordSchema, streams } from '@berth/contracts';
import { type Bus, streamName } from '@berth/messaging';
import { fromBinary } from '@bufbuild/protobuf';

/** An entry as it is told. */
export type ToldEntry = AuditRecord & { readonly before: unknown; readonly after: unknown };

/** What stands in the stream of the audit log, in its order. */
export async function toldEntries(bus: Bus): Promise<ToldEntry[]> {
  const name = streamName(bus, streams.audit);
  const info = await bus.manager.streams.info(name).catch(() => undefined);
  const told: ToldEntry[] = [];
  for (let seq = info?.state.first_seq ?? 1; seq <= (info?.state.last_seq ?? 0); seq++) {
    const message = await bus.manager.streams.getMessage(name, { seq });
    if (message) told.push(withStates(fromBinary(AuditRecordSchema, message.data)));
  }
  return told;
}

export const withStates = (record: AuditRecord): ToldEntry => ({
  ...record,
  before: stateOf(record.beforeJson),
  after: stateOf(record.afterJson),
});

const stateOf = (json: string): unknown => (json === '' ? undefined : JSON.parse(json));
