import { type CommandContext, VmPlanService } from '@berth/contracts';
import { type Bus, currentTrace, serve } from '@berth/messaging';
import { assertWholeRouter } from '../../app/apply-plan.ts';
import type { PlanDeps } from '../../app/create-plan.ts';
import type { RestoreWish } from '../../app/plan-restore.ts';
import { planRollback, type RestoreReader } from '../../app/plan-rollback.ts';
import { invalid } from '../../domain/check-fields.ts';
import { longestPlanSeconds } from '../../domain/plan.ts';
import { pastFragments } from './past-fragments.ts';
import { toPlanMessage } from './plan-messages.ts';
import { readContext } from './to-commands.ts';

export interface RestoreDeps extends PlanDeps {
  readonly planMs: number;
  readonly reader: RestoreReader;
}

/** Plans that make a router's owned part what it was, over NATS. Gives back its stop. */
export function serveRestore(bus: Bus, deps: RestoreDeps): () => Promise<void> {
  const { method } = VmPlanService;
  const stops = [
    serve(bus, method.planRollback, async (message) => {
      const wish = toWish(message, deps.planMs);
      const { to } = message;
      if (to === undefined) throw invalid([{ field: 'to', message: 'is missing' }]);
      const past = (caller: RestoreWish['caller'], router: string) => pastFragments(bus, caller, router, to);
      return toPlanMessage(await planRollback({ ...deps, pastFragments: past }, wish));
    }),
  ];
  return async () => void (await Promise.all(stops.map((stop) => stop())));
}

interface Asked {
  readonly context?: CommandContext | undefined;
  readonly router: string;
  readonly reduce: boolean;
  readonly expiresInSeconds: number;
  readonly request: string;
}

function toWish({ context, router, reduce, expiresInSeconds: seconds, request }: Asked, planMs: number): RestoreWish {
  const {
    operationId: id,
    mayWait: _,
    ifVersion: __,
    ...asked
  } = readContext(context, currentTrace()['traceparent'] ?? '');
  assertWholeRouter(asked.caller);
  if (seconds > longestPlanSeconds)
    throw invalid([{ field: 'expires_in_seconds', message: `must be 1 to ${longestPlanSeconds}` }]);
  return { ...asked, id, router, reduce, request, lifetimeMs: seconds === 0 ? planMs : seconds * 1_000 };
}
