import type { Path } from '../domain/config-tree.ts';
import type { FaultKind } from '../domain/faults.ts';
import type { Profile } from '../profile/profile.ts';
import {
  type Answer,
  badGateway,
  internalError,
  locked,
  refused,
  success,
  unknownOperation,
} from '../router/answer.ts';
import { confirmCommit } from '../router/commit-confirm.ts';
import { commitFile, saveConfiguration } from '../router/config-file.ts';
import type { Edit } from '../router/configuration-store.ts';
import { editConfiguration } from '../router/edit-configuration.ts';
import { readConfiguration } from '../router/read-configuration.ts';
import type { RouterState } from '../router/router-state.ts';
import { editsOfSection } from '../router/sections.ts';
import { show } from '../router/show-text.ts';
import { type DecodedBody, isConfirmShape } from './decode-request.ts';
import { escapeHtml } from './python-text.ts';

const EDITING = ['/configure', '/configure-section'];
const WRITES = [...EDITING, '/config-file'];
/** Faults that strike a request before the router does anything with it. */
const BEFORE: readonly FaultKind[] = ['hang', 'bad_gateway', 'success_false', 'session_lost', 'locked'];

/** Carries out one request whose body fits its endpoint, faults included. */
export async function handleRequest(
  router: RouterState,
  endpoint: string,
  body: DecodedBody,
  query: URLSearchParams,
): Promise<Answer> {
  if (endpoint === '/retrieve/background-operations') return router.operations.list(query.get('op_id'));
  const edits = editsOf(router, endpoint, body);
  const paths = edits?.map(({ path }) => path) ?? [textsOf(body['path'])];
  const before = router.faults.strike(BEFORE, endpoint, paths);
  if (before !== undefined) return answerOfFault(router, before.kind, before.text);
  if (router.profile.worksInBackground && EDITING.includes(endpoint) && isTrue(query.get('in_background')))
    return router.operations.submit(async () => worded(router.profile, await carryOut(router, endpoint, body, edits)));
  if (!WRITES.includes(endpoint)) return withLateFaults(router, endpoint, body, edits, paths);
  if (freezes(router)) return { kind: 'silence' };
  router.writesInFlight += 1;
  try {
    const answer = await withLateFaults(router, endpoint, body, edits, paths);
    return router.isFrozen ? { kind: 'silence' } : answer;
  } finally {
    router.writesInFlight -= 1;
  }
}

/** A write beside another one blocks the event loop that the other one waits for: its commit ends, nothing else does. */
function freezes(router: RouterState): boolean {
  if (!router.profile.canFreeze || router.writesInFlight === 0) return false;
  router.isFrozen ||= router.faults.strike(['freeze'], '/configure', []) !== undefined;
  return router.isFrozen;
}

async function withLateFaults(
  router: RouterState,
  endpoint: string,
  body: DecodedBody,
  edits: readonly Edit[] | undefined,
  paths: readonly Path[],
): Promise<Answer> {
  const after = router.faults.strike(['gateway_timeout', 'drop_connection'], endpoint, paths);
  if (after === undefined) return carryOut(router, endpoint, body, edits);
  if (after.afterMs === undefined) await carryOut(router, endpoint, body, edits);
  else void carryOutLate(router, endpoint, body, edits, after.afterMs);
  return after.kind === 'gateway_timeout' ? { kind: 'page', status: 504 } : { kind: 'cut' };
}

function answerOfFault(router: RouterState, kind: FaultKind, text: string | undefined): Answer {
  switch (kind) {
    case 'hang':
      return { kind: 'silence' };
    case 'success_false':
      return { kind: 'failure-with-200', text: text ?? 'Refused by the simulator' };
    case 'session_lost':
      router.sessionIsLost = true;
      return internalError;
    case 'locked':
      router.counters.refused += 1;
      return locked;
    default:
      return badGateway;
  }
}

/** Nobody waits for the answer, but the router works on: a change holds the lock for writes all that time, as it does there. */
function carryOutLate(
  router: RouterState,
  endpoint: string,
  body: DecodedBody,
  edits: readonly Edit[] | undefined,
  lateByMs: number,
): Promise<Answer> {
  if (edits !== undefined)
    return editConfiguration(router, endpoint, edits, { lateByMs, confirmMinutes: minutesOf(body) });
  return router.clock.sleep(lateByMs).then(() => carryOut(router, endpoint, body, edits));
}

function carryOut(
  router: RouterState,
  endpoint: string,
  body: DecodedBody,
  edits: readonly Edit[] | undefined,
): Promise<Answer> {
  const op = textOf(body['op']);
  if (edits !== undefined) return editConfiguration(router, endpoint, edits, { confirmMinutes: minutesOf(body) });
  switch (endpoint) {
    case '/configure':
      return router.queue.run(async () =>
        op === 'confirm' ? confirmCommit(router) : refused(unknownOperation(router.profile, op)),
      );
    case '/retrieve':
      return readConfiguration(router, {
        op,
        path: textsOf(body['path']),
        format: textOf(body['configFormat']) || 'json',
      });
    case '/config-file':
      return configFile(router, op, body);
    default:
      return Promise.resolve(operational(router, endpoint, op, textsOf(body['path'])));
  }
}

function configFile(router: RouterState, op: string, body: DecodedBody): Promise<Answer> {
  const { profile } = router;
  const file = typeof body['file'] === 'string' ? body['file'] : undefined;
  if (op === 'save') return saveConfiguration(router, file);
  if (op === 'confirm' && profile.commitConfirm !== undefined)
    return router.fileQueue.run(async () => confirmCommit(router));
  if (op !== 'load' && !(op === 'merge' && profile.merges))
    return Promise.resolve(refused(unknownOperation(profile, op)));
  if (file !== undefined) return commitFile(router, { op, file, confirmMinutes: minutesOf(body) });
  return Promise.resolve(refused(`Missing required field "${profile.merges ? 'file | string' : 'file'}"`));
}

const minutesOf = (body: DecodedBody): number => (typeof body['confirm_time'] === 'number' ? body['confirm_time'] : 0);

function operational(router: RouterState, endpoint: string, op: string, path: readonly string[]): Answer {
  const verb = endpoint.slice(1);
  if (op !== verb) return refused(unknownOperation(router.profile, op));
  if (verb === 'show') return show(router, path);
  if (verb === 'traceroute') return success('');
  return path.length === 0 ? refused(`\n  Incomplete command: ${verb}\n\n`) : success('');
}

/** The edits of a request to a write endpoint; undefined for the others, and for a confirmation. */
function editsOf({ profile }: RouterState, endpoint: string, body: DecodedBody): Edit[] | undefined {
  if (endpoint !== '/configure' && endpoint !== '/configure-section') return undefined;
  if (isConfirmShape(profile, endpoint, body)) return undefined;
  const commands = Array.isArray(body['commands']) && body['op'] === undefined ? body['commands'] : [body];
  return commands.flatMap((command: unknown) => (isRecord(command) ? editsOfCommand(endpoint, command) : []));
}

function editsOfCommand(endpoint: string, command: Record<string, unknown>): Edit[] {
  const op = textOf(command['op']);
  const path = textsOf(command['path']);
  if (endpoint === '/configure-section') {
    return op === 'set' || op === 'load' ? editsOfSection(op, path, command['section']) : [{ op, path }];
  }
  const value = textOf(command['value']);
  if (op === 'comment') return [{ op, path, comment: value }];
  return [{ op, path: value === '' ? path : [...path, value] }];
}

const isTrue = (text: string | null): boolean => text !== null && /^(?:true|1|yes|on|t|y)$/i.test(text);

/** The answer with its text as this version writes it into JSON. */
function worded({ escapesErrors }: Profile, answer: Answer): Answer {
  return escapesErrors && 'text' in answer ? { ...answer, text: escapeHtml(answer.text) } : answer;
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
const textsOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
