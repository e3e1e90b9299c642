import { RefusedEdit } from '../domain/edit-session.ts';
import type { Edit } from './configuration-store.ts';
import type { RouterState } from './router-state.ts';

/** What a person does in the router's own command line: one commit, perhaps a save, perhaps a lock that lasts. */
export type PersonEdit = {
  /** `set …` and `delete …` lines as the CLI takes them, or the API's command objects. */
  readonly commands: readonly (
    | string
    | { readonly op: string; readonly path: readonly string[]; readonly value?: string }
  )[];
  readonly save?: boolean;
  /** How long, in real milliseconds from now, the commit lock stays held; writes of the API are refused meanwhile. */
  readonly holdLockMs?: number;
};

/** A person's command that the router refuses, with the router's words. */
export class PersonRefused extends Error {
  override readonly name = 'PersonRefused';
}

/** Commits a person's edits at once, beside whatever the API is doing. All of it is undone when a command is refused. */
export async function actAsPerson(router: RouterState, edit: PersonEdit): Promise<void> {
  const session = router.store.startSession();
  try {
    for (const { op, path } of edit.commands.map(asEdit)) {
      if (op === 'set') session.set(path);
      else if (op === 'delete') session.delete(path);
      else throw new RefusedEdit(`Invalid command: [${op}]\n`);
    }
  } catch (error) {
    session.undo();
    throw error instanceof RefusedEdit ? new PersonRefused(error.message) : error;
  }
  const changes = session.netChanges();
  const result = changes.length === 0 ? undefined : router.store.commit(session, changes);
  if (result !== undefined) router.counters.person_commits += 1;
  if (result?.committed.some(({ owner }) => owner.join(' ') === 'service dhcp-server'))
    router.counters.dhcp_restarts += 1;
  if (edit.holdLockMs !== undefined) router.lockedUntil = router.clock.now() + edit.holdLockMs;
  if (edit.save) {
    router.store.save();
    await router.onSave();
  }
  if (result !== undefined && result.failed.length > 0) throw new PersonRefused(result.output);
}

function asEdit(command: PersonEdit['commands'][number]): Edit {
  if (typeof command !== 'string') {
    return { op: command.op, path: command.value === undefined ? command.path : [...command.path, command.value] };
  }
  const [op = '', ...path] = [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
  return { op, path };
}
