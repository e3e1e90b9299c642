import { forwardTemplates } from '../../nats/forward-templates.ts';
import { vmReader } from '../../nats/vm-service.ts';
import { type AddTopic, changingVms } from '../wiring.ts';
import { forwardTemplateRoutes } from './forward-template.ts';
import { forwardRoutes } from './forwards.ts';
import { portStatusRoutes } from './port-status.ts';
import { portRoutes } from './ports.ts';

/** Forwards of VMs, as forwards and as the ports that they were first; and the template of new ones. */
export const addForwards: AddTopic = (app, wiring) => {
  const { bus, timing } = wiring;
  const vms = vmReader(bus, timing);
  const changing = changingVms(wiring);
  forwardRoutes(app, { ...changing, reader: vms });
  forwardTemplateRoutes(app, {
    templates: forwardTemplates(bus, timing),
    commandTimeoutMs: timing.commandTimeoutMs,
  });
  portRoutes(app, changing);
  portStatusRoutes(app, { vms });
};
