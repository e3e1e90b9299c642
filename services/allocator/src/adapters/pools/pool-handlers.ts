import type { AuditAuthor, PoolService } from '@berth/contracts';
import type { MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import type { Caller } from '../../app/commands.ts';
import type { KeyUse } from '../../app/ports.ts';

/** What travels beside a message of PoolService, whichever way it came. */
export interface PoolCall {
  readonly caller: Caller;
  /** The same caller, as the audit log names it. */
  readonly author: AuditAuthor;
  readonly requestId: string;
  readonly traceparent: string;
  /** Present when the caller sent an Idempotency-Key. */
  readonly key: KeyUse | undefined;
  /** After this moment, by the database's clock, a write is refused. */
  readonly deadline: Date;
}

type Methods = (typeof PoolService)['method'];
type UnaryName = Exclude<keyof Methods, 'watchPools'>;

/** PoolService as use cases: the same for gRPC and for NATS. They check permissions and throw DomainError. */
export type PoolHandlers = {
  readonly [Name in UnaryName]: (
    message: MessageShape<Methods[Name]['input']>,
    call: PoolCall,
  ) => Promise<MessageInitShape<Methods[Name]['output']>>;
} & {
  /** Ends when `signal` fires, or after a `RESET`. */
  watchPools(
    message: MessageShape<Methods['watchPools']['input']>,
    call: PoolCall,
    signal: AbortSignal,
  ): AsyncIterable<MessageInitShape<Methods['watchPools']['output']>>;
};
