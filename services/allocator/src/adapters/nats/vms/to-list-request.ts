import { type ListVmsRequest, VmOrder as VmOrderCode, VmState as VmStateCode } from '@berth/contracts';
import type { ListRequest, VmOrder } from '../../../app/vms/list-vms.ts';
import { invalid } from '../../../domain/check-fields.ts';
import type { VmState } from '../../../domain/vms/vm.ts';

const states: Partial<Record<VmStateCode, VmState>> = {
  [VmStateCode.PROVISIONING]: 'provisioning',
  [VmStateCode.ACTIVE]: 'active',
  [VmStateCode.REMOVING]: 'removing',
};

const orders: Record<VmOrderCode, VmOrder> = {
  [VmOrderCode.UNSPECIFIED]: 'name',
  [VmOrderCode.NAME]: 'name',
  [VmOrderCode.CREATED_AT]: 'created_at',
  [VmOrderCode.UPDATED_AT]: 'updated_at',
  [VmOrderCode.INTERNAL_IP]: 'internal_ip',
};

/** Which page of which VMs is asked for. */
export function toListRequest({ pageSize, pageToken, filter, order, descending }: ListVmsRequest): ListRequest {
  const sort = orders[order];
  if (sort === undefined) throw invalid([{ field: 'sort', message: 'is no order of VMs' }]);
  return {
    size: pageSize,
    token: pageToken,
    order: sort,
    descending,
    filter: {
      ownerGroup: filter?.ownerGroup ?? '',
      withoutGroup: filter?.withoutGroup ?? false,
      router: filter?.router ?? '',
      pool: filter?.pool ?? '',
      address: filter?.address ?? '',
      externalPort: filter?.externalPort ?? 0,
      states: (filter?.states ?? []).map((code) => {
        const state = states[code];
        if (state === undefined) throw invalid([{ field: 'state', message: 'is no state of a VM that lives' }]);
        return state;
      }),
      text: filter?.text ?? '',
      macAddress: filter?.macAddress ?? '',
    },
  };
}
