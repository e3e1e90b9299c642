import { AsyncLocalStorage } from 'node:async_hooks';
import { type Static, Type } from 'typebox';
import { invalidRequest } from '../../../domain/field-checks.ts';
import type { ContextInit } from '../answer-command.ts';
import type { AnyRequest, App } from '../app-types.ts';
import { strict } from '../json-types.ts';

/** How a write is only planned: as a dry run, of which nothing is kept, or as a plan that somebody asked for. */
export type Planning = { readonly dryRun: true } | AskedPlan;

/** A plan that `POST /v1/plans` asks for. */
interface AskedPlan {
  readonly dryRun: false;
  /** Of the request for the plan. */
  readonly context: ContextInit;
  /** 0: as the settings say. */
  readonly expiresInSeconds: number;
}

const dryRun = Type.Optional(
  Type.Boolean({
    description: 'Answers 200 with what it would do (`Plan`). Nothing is kept, held or sent to a router.',
  }),
);

/** The query of writes that can be planned. */
export const planQuery = Type.Object({ dry_run: dryRun }, strict);

const asked = new AsyncLocalStorage<AskedPlan>();

/** Runs `ask`, whose requests are answered with their plans. */
export const asPlan = <T>(plan: AskedPlan, ask: () => Promise<T>): Promise<T> => asked.run(plan, ask);

/** Whether a request is only planned, and how; undefined: it is carried out. */
export function planningOf({ query }: Pick<AnyRequest, 'query'>): Planning | undefined {
  const plan = asked.getStore();
  if (plan) return plan;
  const { dry_run: isDry }: Partial<Static<typeof planQuery>> = Object(query);
  return isDry === true ? { dryRun: true } : undefined;
}

/** Of what is asked for within a plan, only writes that can be planned are reached. */
export function guardPlans(app: App): void {
  app.addHook('onRequest', async (request) => {
    if (asked.getStore() && !request.routeOptions.config.plannable) throw notPlannable();
  });
}

export const notPlannable = () =>
  invalidRequest([
    {
      field: 'request.path',
      message: 'only writes of VMs, forwards, ports and bulks can be planned, and this method and path are none',
    },
  ]);
