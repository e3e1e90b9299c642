import { type AllocationSchema, HolderKind as HolderCode, PortProtocol } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { HeldRun, HolderKind } from '../../app/pools/list-allocations.ts';
import { invalidFields } from '../../domain/pools/validate-pool.ts';
import { toProtocolCode, valueText } from './to-pool-messages.ts';

const codes: Record<HolderKind, HolderCode> = {
  vm: HolderCode.VM,
  reserved: HolderCode.RESERVATION,
  planned: HolderCode.PLAN,
  quarantine: HolderCode.QUARANTINE,
  foreign: HolderCode.FOREIGN,
};

/** The holders that a list is narrowed to. Throws `invalid` for one that nobody knows. */
export const toHolders = (asked: readonly HolderCode[]): HolderKind[] => {
  const known = Object.entries(codes) as [HolderKind, HolderCode][]; // its keys are the kinds
  return [
    ...new Set(
      asked.map((code) => {
        const [kind] = known.find(([, one]) => one === code) ?? [];
        if (kind === undefined)
          throw invalidFields([{ field: 'holders', message: 'names a kind of holder that nobody knows' }]);
        return kind;
      }),
    ),
  ];
};

/** Who holds what; `pool`: "ip-pools/edge", or empty. */
export const toAllocationMessage = (run: HeldRun, pool: string): MessageInitShape<typeof AllocationSchema> => {
  const { space } = run;
  const kind = space === 'address' ? 'ip-pools' : 'rule-pools'; // ports are written like rule numbers
  return {
    pool,
    first: valueText(kind, run.first),
    last: valueText(kind, run.last),
    protocol: space === 'tcp' || space === 'udp' ? toProtocolCode(space) : PortProtocol.UNSPECIFIED,
    holder: codes[run.holder],
    vmId: run.vmId,
    vmName: run.vmName,
    forward: run.forward,
    ownerGroup: run.ownerGroup,
    reservationId: run.reservationId,
    note: run.note,
    externalIp: run.externalIp,
    ...(run.until && { until: timestampFromDate(run.until) }),
  };
};
