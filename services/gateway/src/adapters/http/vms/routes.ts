import { vmReader } from '../../nats/vm-service.ts';
import { type AddTopic, changingVms } from '../wiring.ts';
import { decommissionVmRoutes } from './decommission-vm.ts';
import { listVmsRoutes } from './list-vms.ts';
import { provisionVmRoutes } from './provision-vm.ts';
import { updateVmRoutes } from './update-vm.ts';
import { vmRoutes } from './vms.ts';

/** VMs: reading, provisioning, changing and decommissioning them. */
export const addVms: AddTopic = (app, wiring) => {
  const vms = vmReader(wiring.bus, wiring.timing);
  listVmsRoutes(app, { vms });
  vmRoutes(app, { vms });
  const changing = changingVms(wiring);
  provisionVmRoutes(app, changing);
  updateVmRoutes(app, changing);
  decommissionVmRoutes(app, changing);
};
