import type { OpenAccess } from '@berth/access';
import type { Bus } from '@berth/messaging';
import type { CommandTiming } from '../../app/operations/command-timing.ts';
import type { OperationEndings } from '../../app/operations/operations.ts';
import { authAsk } from '../nats/auth-service.ts';
import { planService } from '../nats/plan-service.ts';
import { operationReader, vmCommands } from '../nats/vm-service.ts';
import type { AdministrationDeps } from './administration.ts';
import type { AnswerCommandDeps } from './answer-command.ts';
import type { App } from './app-types.ts';

/** What the routes of all topics are made from. Whom they ask over the bus, each topic's `routes.ts` makes for itself. */
export interface Wiring {
  readonly bus: Bus;
  readonly timing: CommandTiming;
  readonly endings: OperationEndings;
  readonly access: OpenAccess;
  /** For callers that do not say how long. */
  readonly waitSeconds: number;
  /** Addresses that are neither counted nor kept out. */
  readonly isExempt: (address: string) => boolean;
}

/** Adds the routes of a topic. */
export type AddTopic = (app: App, wiring: Wiring) => void;

/** For routes whose changes become operations, and can be planned. */
export const changingVms = ({ bus, timing, endings, waitSeconds }: Wiring): AnswerCommandDeps => ({
  commands: { operations: operationReader(bus), endings, timing },
  defaultWaitSeconds: waitSeconds,
  vms: vmCommands(bus),
  plans: planService(bus, timing),
});

/** For routes that ask auth. */
export const askingAuth = ({ bus, timing }: Wiring): AdministrationDeps => ({
  auth: authAsk(bus, timing),
  commandTimeoutMs: timing.commandTimeoutMs,
});
