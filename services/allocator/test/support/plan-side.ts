import { createHash, randomUUID } from 'node:crypto';
import {
  type ApplyPlanRequest,
  type ApplyPlanRequestSchema,
  ConfigVerb,
  type CreatePlanRequest,
  type CreatePlanRequestSchema,
  PlanService,
  type PlanState,
  VmPlanService,
} from '@berth/contracts';
import { request, serve } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { aPrincipal, type PrincipalInit, type World } from './world.ts';

type CreateInit = Exclude<MessageInitShape<typeof CreatePlanRequestSchema>, CreatePlanRequest>;
/** What is planned. */
export type PlanCommand = NonNullable<CreateInit['command']>;
type ApplyInit = Exclude<MessageInitShape<typeof ApplyPlanRequestSchema>, ApplyPlanRequest>;
type ContextInit = NonNullable<Parameters<World['context']>[0]>;

const timeoutMs = 20_000;

/** Plans of a world, and the test in the driver's place: it foresees an operation for each rule and mapping. */
export class PlanSide {
  /** What the driver says its plans stand on; a test changes it as the router's state would. */
  base = 'as it was';
  conflict = '';
  /** The groups that the driver was asked for. */
  readonly askedFor: string[] = [];
  /** Awaited before the driver answers. */
  beforeAnswer = async (): Promise<void> => {};
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
    serve(world.bus, PlanService.method.planChanges, async ({ principal, changes }) => {
      this.askedFor.push(principal?.group ?? '');
      await this.beforeAnswer();
      const operations = changes.flatMap(({ resourceId, desired }) =>
        [desired?.mapping?.ipAddress ?? 'gone', ...(desired?.rules ?? []).map(({ number }) => String(number))].map(
          (what) => ({ verb: desired ? ConfigVerb.SET : ConfigVerb.DELETE, path: ['it', what], resourceId }),
        ),
      );
      const conflicts =
        this.conflict === '' ? [] : [{ resourceId: changes[0]?.resourceId ?? '', message: this.conflict }];
      const base = createHash('sha256').update(this.base).digest('hex');
      return { operations, inverse: [], restartsDhcp: true, estimateMs: 1_234, commits: 1, base, conflicts };
    });
  }

  create(command: PlanCommand, more: Partial<CreateInit> = {}, context: ContextInit = {}) {
    const message: CreateInit = { ...more, command, context: this.#world.context(context) };
    return request(this.#world.bus, VmPlanService.method.createPlan, message, { timeoutMs });
  }

  /** A plan of a provision. */
  provision(vmName: string, more: Partial<CreateInit> = {}, context: ContextInit = {}) {
    return this.create({ case: 'provision', value: { vmId: randomUUID(), vmName } }, more, context);
  }

  async apply(planId: string, context: ContextInit = {}, more: Partial<ApplyInit> = {}) {
    const message = { ...more, planId, context: this.#world.context(context) };
    const { operation } = await request(this.#world.bus, VmPlanService.method.applyPlan, message, { timeoutMs });
    if (!operation) throw new Error('no operation in the reply');
    return operation;
  }

  get(planId: string, principal: PrincipalInit = {}) {
    const message = { principal: aPrincipal(principal), planId };
    return request(this.#world.bus, VmPlanService.method.getPlan, message, { timeoutMs });
  }

  discard(planId: string) {
    const message = { context: this.#world.context(), planId };
    return request(this.#world.bus, VmPlanService.method.discardPlan, message, { timeoutMs });
  }

  async list(pageSize: number, pageToken = '', principal: PrincipalInit = {}, states: PlanState[] = []) {
    const message = { principal: aPrincipal(principal), pageSize, pageToken, states };
    return request(this.#world.bus, VmPlanService.method.listPlans, message, { timeoutMs });
  }

  /** How many values and names plans hold now. */
  async held(): Promise<{ values: number; names: number }> {
    const [row] = await this.#world.query<{ values: number; names: number }>(
      `SELECT (SELECT count(*)::int FROM allocations WHERE kind = 'planned') AS values,
         (SELECT count(*)::int FROM claims WHERE plan_id IS NOT NULL) AS names`,
    );
    return row ?? { values: 0, names: 0 };
  }
}
