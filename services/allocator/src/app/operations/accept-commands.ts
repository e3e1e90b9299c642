import type { Command } from '../commands.ts';
import { type KnownGroups, learnOwners } from '../known-groups.ts';
import type { Books, Ledger } from '../ports.ts';
import { Acceptance, type Answer } from './acceptance.ts';
import { atTheirRouters } from './place-commands.ts';

export interface AcceptDeps {
  readonly ledger: Ledger;
  /** Known from the settings before the driver has told of it. */
  readonly defaultRouter: string;
  readonly groups: KnownGroups;
}

/** More than single commands are accepted together: only all items of an atomic bulk are. */
const many = 200;

/**
 * Accepts commands in one transaction: each is stored with all that it reserves and what is sent for it, or refused with nothing kept.
 * `besides` works in the same transaction once all have their answers; when it throws, none is accepted.
 */
export async function acceptCommands(
  deps: AcceptDeps,
  asked: readonly Command[],
  besides: (books: Books, answers: readonly Answer[]) => Promise<void> = async () => {},
): Promise<readonly Answer[]> {
  await learnOwners(deps.groups, asked);
  return atTheirRouters(deps.ledger, asked, (commands, routers) => {
    const work = async (books: Books) => {
      const answers = await acceptIn(deps, books, commands);
      await besides(books, answers);
      return answers;
    };
    return deps.ledger.transaction(routers, work, { takesLong: commands.length > many });
  });
}

/** Accepts commands in a transaction that has the locks of their routers. The answers are in their order. */
export async function acceptIn(
  deps: Omit<AcceptDeps, 'ledger'>,
  books: Books,
  commands: readonly Command[],
): Promise<readonly Answer[]> {
  const acceptance = new Acceptance(deps, books);
  await acceptance.accept(commands);
  return commands.map((command) => acceptance.answerTo(command));
}
