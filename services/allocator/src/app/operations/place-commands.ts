import { bareName } from '../../domain/pools/pool-directory.ts';
import type { Command, ProvisionCommand } from '../commands.ts';
import { type Ledger, LookAgain } from '../ports.ts';
import { isAdoption, isMachine, isProvision, isRestore } from './command-kinds.ts';

const maxLooks = 5;

/** Runs `run` with these commands and the routers that they concern; looks again when those turn out to be others once they are locked. */
export async function atTheirRouters<T>(
  ledger: Ledger,
  asked: readonly Command[],
  run: (commands: readonly Command[], routers: readonly string[]) => Promise<T>,
): Promise<T> {
  for (let looks = 1; ; looks++) {
    const commands = await atTheirPools(ledger, asked);
    const routers = await ledger.routersOf(commands.filter(isMachine).map(({ machineId }) => machineId));
    const placed = commands.filter((command) => isProvision(command) || isAdoption(command) || isRestore(command));
    const names = new Set([...routers.values(), ...placed.map(({ request }) => request.router)]);
    try {
      return await run(commands, [...names]);
    } catch (error) {
      if (!(error instanceof LookAgain) || looks === maxLooks) throw error;
    }
  }
}

/** The pools that a provision names, by kind and name. */
const namedPools = ({ request: { pools } }: ProvisionCommand): string[] =>
  (
    [
      ['ip-pools', pools.ip],
      ['port-pools', pools.port],
      ['rule-pools', pools.rule],
    ] as const
  ).flatMap(([kind, named]) => (named === '' ? [] : [`${kind}/${bareName(kind, named)}`]));

/** The same commands; a provision that names pools and no router goes to the router of its first pool. */
async function atTheirPools(ledger: Ledger, commands: readonly Command[]): Promise<readonly Command[]> {
  const open = commands.filter(isProvision).filter(({ routerNamed }) => !routerNamed);
  const names = open.flatMap(namedPools);
  if (names.length === 0) return commands;
  const routers = await ledger.routersOfPools(names);
  return commands.map((command) => {
    if (!isProvision(command) || command.routerNamed) return command;
    const router = namedPools(command).flatMap((name) => routers.get(name) ?? [])[0] ?? command.request.router;
    return { ...command, request: { ...command.request, router } };
  });
}
