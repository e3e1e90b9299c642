import { type SigningKeySchema, SigningKeyService } from '@berth/contracts';
import { type Bus, serve } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type KeyRotation, removeSigningKey, rotateSigningKeys } from '../../../app/sessions/rotate-signing-keys.ts';
import { type SigningKey, signingAt } from '../../../domain/sessions/signing-key.ts';
import type { PostgresAuthTransactions } from '../../postgres/auth-transactions.ts';
import { askerOf, assertAccess, serveCommand } from '../serve-command.ts';

interface Deps {
  readonly bus: Bus;
  readonly transactions: PostgresAuthTransactions;
  readonly rotation: KeyRotation;
}

const { method } = SigningKeyService;
const access = { verb: 'signing-keys:admin' } as const;

/** Answers SigningKeyService. Gives back its stop, which waits for what is in work. */
export function serveSigningKeys(deps: Deps): () => Promise<void> {
  const stops = [
    serve(deps.bus, method.listSigningKeys, async ({ principal }) => {
      assertAccess(principal, access);
      const { now, keys } = await deps.transactions.run({ ...askerOf(undefined), principal }, async (transaction) => ({
        now: transaction.now,
        keys: await transaction.signingKeys.all(),
      }));
      const signing = signingAt(keys, now);
      return { signingKeys: keys.map((key) => keyMessage(key, key === signing)) };
    }),
    serveCommand(deps, method.rotateSigningKeys, { access }, (_request, _asker, inTransaction) =>
      inTransaction(async (transaction) => {
        const key = await rotateSigningKeys(transaction, deps.rotation);
        return { signingKey: keyMessage(key, key.signsFrom <= transaction.now) };
      }),
    ),
    serveCommand(deps, method.removeSigningKey, { access }, ({ id }, _asker, inTransaction) =>
      inTransaction(async (transaction) => {
        await removeSigningKey(transaction, id);
        return {};
      }),
    ),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

const keyMessage = (key: SigningKey, signing: boolean): MessageInitShape<typeof SigningKeySchema> => ({
  ...{ id: key.id, signing },
  createdAt: timestampFromDate(key.createdAt),
  signsFrom: timestampFromDate(key.signsFrom),
  ...(key.verifiesUntil && { verifiesUntil: timestampFromDate(key.verifiesUntil) }),
});
