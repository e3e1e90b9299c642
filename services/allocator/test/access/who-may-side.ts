import { randomUUID } from 'node:crypto';
import {
  BulkMode,
  CommandContextSchema,
  type Operation,
  PlanService,
  PoolService,
  PortAction,
  VmPlanService,
  VmService,
} from '@berth/contracts';
import { isKind } from '@berth/errors';
import { request, serve } from '@berth/messaging';
import { eventually } from '@berth/testing';
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { provisionItem, removalItem } from '../support/bulk-world.ts';
import { portPool } from '../support/pool-side.ts';
import { aPrincipal, type World } from '../support/world.ts';

/** Whose things a table's columns are about; empty: nobody's group's. */
const groups = ['team-a', 'team-b', 'team-c', ''] as const;

type Caller = ReturnType<typeof aPrincipal>;
/** What comes of asking for something of a group's: throws, or gives back whether it was shown. */
export type Ask = (group: string) => Promise<unknown>;
/** Asks PoolService, over NATS or gRPC. */
export type AskPools = <I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  message: MessageInitShape<I>,
) => Promise<MessageShape<O>>;

const timeoutMs = 20_000;
const { method } = VmService;
const plan = VmPlanService.method;
const pools = PoolService.method;

/** A name of the group's own: "vm-a", "vm-none". */
const nameOf = (group: string, kind = 'vm') => `${kind}-${group.split('-')[1] ?? 'none'}`;

/** Somebody who may do everything, at home in a group. */
const ownerOf = (group: string) => aPrincipal({ id: `owner-${group}`, name: 'owner', permissions: ['*'], group });

/** A world with VMs, pools, plans and bulks of every group. */
export class ThingsOfGroups {
  readonly world: World;
  #count = 0;

  constructor(world: World) {
    this.world = world;
  }

  async make(): Promise<void> {
    serve(this.world.bus, PlanService.method.planChanges, async () => ({ base: 'b', commits: 1 }));
    const made = groups.flatMap((group) =>
      [nameOf(group), nameOf(group, 'still')].map((vmName) => this.world.provision({ vmName, ownerGroup: group })),
    );
    for (const { vmId } of await Promise.all(made)) await this.world.driver.settle(vmId, { applied: true });
    for (const operation of await Promise.all(made)) await this.world.ended(operation);
    const context = this.world.context({ principal: ownerOf('') });
    for (const [index, group] of groups.entries()) {
      const pool = portPool(nameOf(group), 40_000 + index * 100, 40_099 + index * 100, {
        groups: group ? [group] : [],
      });
      await request(this.world.bus, pools.createPool, pool, {
        timeoutMs,
        context: create(CommandContextSchema, context),
      });
    }
  }

  #ask<I extends DescMessage, O extends DescMessage>(one: DescMethodUnary<I, O>, message: MessageInitShape<I>) {
    return request(this.world.bus, one, message, { timeoutMs });
  }

  fresh = (): string => `made-${this.#count++}`;

  /** A change of a group's VM that is on its way. */
  #running = (group: string): Promise<Operation> =>
    this.world.changePorts(nameOf(group), PortAction.PAUSE, ['ssh'], { principal: ownerOf('') });

  async #plan(group: string) {
    const vm = { case: 'provision', value: { vmId: randomUUID(), vmName: this.fresh(), ownerGroup: group } } as const;
    const context = this.world.context({ principal: ownerOf(group) });
    return (await this.#ask(plan.createPlan, { command: vm, context })).id;
  }

  async #bulk(group: string) {
    const context = this.world.context({ principal: ownerOf(group) });
    const item = removalItem('nobody-knows-it');
    await this.#ask(method.stageBulk, { context, offset: 0, items: [item] });
    await this.#ask(method.startBulk, { context, items: 1, mode: BulkMode.BEST_EFFORT });
    return context.operationId ?? '';
  }

  /** What VmService and VmPlanService can be asked, of things of a group. */
  vms(principal: Caller): Record<string, Ask> {
    const context = () => this.world.context({ principal });
    const target = (group: string) => ({ machineId: nameOf(group), context: context() });
    const planned = (value: object, kind: 'decommission' | 'provision') => ({ case: kind, value }) as never;
    return {
      GetVm: (group) => this.world.vm(nameOf(group), principal),
      ListVms: async (group) => (await this.world.list(0, principal)).flat().includes(nameOf(group)),
      'ListVms of the group': async (group) => {
        const filter = group ? { ownerGroup: group } : { withoutGroup: true };
        return (await this.#ask(method.listVms, { principal, filter })).vms.some(({ name }) => name === nameOf(group));
      },
      GetOperation: async (group) => this.world.operation((await this.#running(group)).id, principal),
      ListOperations: async (group) => {
        const { operations } = await this.#ask(method.listOperations, { principal, pageSize: 1_000 });
        return operations.some(({ vmName }) => vmName === nameOf(group));
      },
      CancelOperation: async (group) => this.world.cancel(await this.#running(group), principal),
      ChangePorts: (group) =>
        this.#ask(method.changePorts, { ...target(group), action: PortAction.PAUSE, portNames: ['ssh'] }),
      ChangeForwards: (group) =>
        this.#ask(method.changeForwards, { ...target(group), update: [{ name: 'http', description: this.fresh() }] }),
      UpdateVm: (group) => this.#ask(method.updateVm, { ...target(group), metadata: { count: this.fresh() } }),
      'UpdateVm, to team-a': (group) => this.#ask(method.updateVm, { ...target(group), ownerGroup: 'team-a' }),
      'UpdateVm, to team-b': (group) => this.#ask(method.updateVm, { ...target(group), ownerGroup: 'team-b' }),
      'UpdateVm, to nobody': (group) => this.#ask(method.updateVm, { ...target(group), ownerGroup: '' }),
      ProvisionVm: (ownerGroup) => this.world.provision({ vmName: this.fresh(), ownerGroup }, { principal }),
      'StageBulk and its items': async (ownerGroup) => {
        const asked = context();
        await this.#ask(method.stageBulk, {
          context: asked,
          offset: 0,
          items: [provisionItem(this.fresh(), { ownerGroup })],
        });
        await this.#ask(method.startBulk, { context: asked, items: 1, mode: BulkMode.ATOMIC });
        return this.#outcomeOfBulk(asked.operationId ?? '');
      },
      GetBulk: async (group) => this.#ask(method.getBulk, { principal, bulkId: await this.#bulk(group) }),
      ListBulkItems: async (group) => this.#ask(method.listBulkItems, { principal, bulkId: await this.#bulk(group) }),
      'CreatePlan, of a provision': (ownerGroup) => {
        const command = planned({ vmId: randomUUID(), vmName: this.fresh(), ownerGroup }, 'provision');
        return this.#ask(plan.createPlan, { command, context: context(), dryRun: true });
      },
      'CreatePlan, of a removal': (group) => {
        const command = planned({ machineId: nameOf(group, 'still') }, 'decommission');
        return this.#ask(plan.createPlan, { command, context: context(), dryRun: true });
      },
      GetPlan: async (group) => this.#ask(plan.getPlan, { principal, planId: await this.#plan(group) }),
      ListPlans: async (group) => {
        const planId = await this.#plan(group);
        const { plans } = await this.#ask(plan.listPlans, { principal, pageSize: 500 });
        return plans.some(({ id }) => id === planId);
      },
      ApplyPlan: async (group) => this.#ask(plan.applyPlan, { context: context(), planId: await this.#plan(group) }),
      DiscardPlan: async (group) =>
        this.#ask(plan.discardPlan, { context: context(), planId: await this.#plan(group) }),
    };
  }

  /** Removes a group's VM: after all the rest. */
  removal =
    (principal: Caller): Ask =>
    async (group) =>
      this.#ask(method.decommissionVm, { machineId: nameOf(group), context: this.world.context({ principal }) });

  /** Whether the bulk's one item was accepted. */
  async #outcomeOfBulk(bulkId: string): Promise<boolean> {
    const asked = { principal: ownerOf(''), bulkId };
    const look = async () => {
      const [item] = (await this.#ask(method.listBulkItems, asked)).results;
      return item?.operation || item?.error ? item : undefined;
    };
    return (await eventually(look, { what: 'the item' })).error === undefined;
  }

  /** What PoolService can be asked, of pools for a group. */
  poolsOf(askPools: AskPools): Record<string, Ask> {
    const name = (group: string) => `port-pools/${nameOf(group)}`;
    const asOwner: AskPools = (one, message) => {
      const context = create(CommandContextSchema, this.world.context({ principal: ownerOf('') }));
      return request(this.world.bus, one, message, { timeoutMs, context });
    };
    const reserve = (ask: AskPools, group: string) => ask(pools.reserve, { pool: name(group), count: 1, note: 'mine' });
    let next = 50_000;
    const ownPool = (id: string, group: string) => {
      next += 10;
      return portPool(id, next, next + 5, { groups: group ? [group] : [] });
    };
    return {
      GetPool: (group) => askPools(pools.getPool, { name: name(group) }),
      ListPools: async (group) => (await askPools(pools.listPools, {})).pools.some((pool) => pool.name === name(group)),
      ListAllocations: (group) => askPools(pools.listAllocations, { pool: name(group) }),
      'ExplainValue, naming the pool': async (group) => {
        const port = 40_050 + groups.indexOf(group as (typeof groups)[number]) * 100;
        return (await askPools(pools.explainValue, { value: { case: 'port', value: port } })).pool !== '';
      },
      CreatePool: (group) => {
        const id = this.fresh();
        return askPools(pools.createPool, ownPool(id, group));
      },
      UpdatePool: (group) =>
        askPools(pools.updatePool, {
          pool: { name: name(group), description: this.fresh() },
          updateMask: { paths: ['description'] },
        }),
      DrainPool: (group) => askPools(pools.drainPool, { name: name(group) }),
      UndrainPool: (group) => askPools(pools.undrainPool, { name: name(group) }),
      Reserve: async (group) => {
        await asOwner(pools.undrainPool, { name: name(group) });
        return reserve(askPools, group);
      },
      Release: async (group) => askPools(pools.release, { reservationId: (await reserve(asOwner, group)).id }),
      DeletePool: async (group) => {
        const id = this.fresh();
        await asOwner(pools.createPool, ownPool(id, group));
        return askPools(pools.deletePool, { name: `port-pools/${id}` });
      },
    };
  }
}

/** The rows of a table: what each of these comes to for the things of each group, in the groups' order. */
export async function tableOf(asks: Readonly<Record<string, Ask>>): Promise<string> {
  const rows: string[] = [];
  for (const [name, ask] of Object.entries(asks)) {
    const cells: string[] = [];
    for (const group of groups) cells.push(await outcomeOf(ask, group));
    rows.push(`${name.padEnd(30)}${cells.map((cell) => cell.padEnd(8)).join('')}`.trimEnd());
  }
  return rows.join('\n');
}

/** `ok`, `hidden` from a list, the status of a refusal, or the code of any other failure. */
async function outcomeOf(ask: Ask, group: string): Promise<string> {
  try {
    return (await ask(group)) === false ? 'hidden' : 'ok';
  } catch (error) {
    if (isKind(error, 'not_found')) return '404';
    if (isKind(error, 'forbidden')) return '403';
    return String(Object(error).code ?? error);
  }
}
