import {
  type CommandContext,
  CommandContextSchema,
  type PermissionVerb,
  type Principal,
  requireEverywhere,
} from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, serve } from '@berth/messaging';
import {
  create,
  type DescMessage,
  type DescMethodUnary,
  fromJson,
  isMessage,
  type JsonValue,
  type MessageInitShape,
  type MessageShape,
  toJson,
} from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { Asker } from '../../app/asker.ts';
import type { Idempotency } from '../../app/keys/api-key-store.ts';
import { deadlinePassed, idempotencyKeyReused } from '../../domain/errors.ts';
import type { OpenTransaction, PostgresAuthTransactions } from '../postgres/auth-transactions.ts';
import { claim, remember } from '../postgres/idempotency.ts';

/** Who may send a command: whoever holds a permission for all groups, whoever is signed in as a user, or anybody. */
export type Access = { readonly verb: PermissionVerb } | 'user' | 'anybody';

/** Runs the part of a command that changes something: one transaction, with the memory of its answer. At most once in a handler. */
export type InTransaction<O extends DescMessage> = (
  work: (transaction: OpenTransaction) => Promise<MessageInitShape<O>>,
) => Promise<MessageInitShape<O>>;

/**
 * Answers a command: permission, whatever `handle` does before its transaction, the transaction, and the memory of its answer in it. A
 * repeat (the same Idempotency-Key, or the same operation id) does nothing and is answered as the first time, without what `withoutSecrets`
 * takes out. Nothing is kept of a command that fails or that comes to its end after its deadline. Gives back its stop.
 */
export function serveCommand<I extends DescMessage, O extends DescMessage>(
  deps: { readonly bus: Bus; readonly transactions: PostgresAuthTransactions },
  method: DescMethodUnary<I, O>,
  {
    access,
    withoutSecrets = (answer) => answer,
  }: { access: Access; withoutSecrets?: (answer: MessageShape<O>) => MessageShape<O> },
  handle: (request: MessageShape<I>, asker: Asker, inTransaction: InTransaction<O>) => Promise<MessageInitShape<O>>,
): () => Promise<void> {
  const answer = async (request: MessageShape<I>): Promise<MessageInitShape<O>> => {
    const context = contextIn(request);
    const asker = askerOf(context);
    assertAccess(asker.principal, access);
    return handle(request, asker, (work) =>
      deps.transactions.run(asker, async (transaction) => {
        const key = keyOf(method.name, context);
        const earlier = key && (await claim(transaction.sql, key));
        if (earlier) {
          if (!Buffer.from(earlier.fingerprint).equals(key.fingerprint)) throw idempotencyKeyReused();
          return create(method.output, fromJson(method.output, earlier.answer as JsonValue)) as MessageInitShape<O>;
        }
        const made = await work(transaction);
        const kept = withoutSecrets(create(method.output, made));
        if (key) await remember(transaction.sql, key, toJson(method.output, kept));
        await assertInTime(transaction, context); // asked last: whatever this waited for has been waited for
        return made;
      }),
    );
  };
  return serve(deps.bus, method, answer);
}

/** Who asks, and how a repeat is recognised. Every command has it. */
function contextIn(request: object): CommandContext | undefined {
  const context: unknown = Reflect.get(request, 'context');
  return isMessage(context, CommandContextSchema) ? context : undefined;
}

/** Who asks. */
export const askerOf = (context: CommandContext | undefined): Asker => ({
  principal: context?.principal,
  clientAddress: context?.clientAddress ?? '',
  userAgent: context?.userAgent ?? '',
  requestId: context?.requestId ?? '',
});

/** Refuses who may not. Users and settings belong to no group: a permission within a group is not enough. */
export function assertAccess(principal: Principal | undefined, access: Access): void {
  if (access === 'user') requireUser(principal);
  else if (access !== 'anybody') requireEverywhere(principal, access.verb);
}

function requireUser(principal: Principal | undefined): void {
  if (principal === undefined) {
    throw new DomainError('unauthenticated', 'PRINCIPAL_MISSING', 'The command does not say who asks.');
  }
  if (principal.kind === 'user' && principal.userId !== '') return;
  throw new DomainError('forbidden', 'USER_REQUIRED', 'This needs a user who has signed in, not an API key.');
}

async function assertInTime(transaction: OpenTransaction, context: CommandContext | undefined): Promise<void> {
  const { deadline } = context ?? {};
  if (deadline !== undefined && (await transaction.currentTime()) > timestampDate(deadline)) throw deadlinePassed();
}

function keyOf(method: string, context: CommandContext | undefined): Idempotency | undefined {
  if (context === undefined) return undefined;
  if (context.idempotency) return context.idempotency;
  const { operationId } = context;
  if (operationId === '') return undefined;
  return { scope: `operation ${method}`, key: operationId, fingerprint: new Uint8Array() };
}
