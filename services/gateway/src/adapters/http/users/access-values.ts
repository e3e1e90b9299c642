import { permissionVerbs } from '@berth/contracts';
import { type Static, type TSchema, Type } from 'typebox';
import { nullable, strict } from '../json-types.ts';

/** A moment. */
export const time = (description?: string) =>
  Type.String({ format: 'date-time', maxLength: 40, ...(description !== undefined && { description }) });

export const permissions = Type.Array(Type.String({ minLength: 1, maxLength: 60 }), {
  maxItems: 50,
  description: `Of ${permissionVerbs.map((verb) => `\`${verb}\``).join(', ')}; \`vms:*\` is everything about VMs, \`*\` everything.`,
});

const lifetime = (what: string, otherwise: string) =>
  nullable(
    Type.Integer({
      minimum: 0,
      maximum: 315_360_000,
      description: `For how many seconds ${what} live; 0: for ever; null: as ${otherwise}.`,
    }),
  );

/** How long tokens live. */
export const lifetimes = (otherwise: string) => ({
  access_token_seconds: lifetime('access tokens', otherwise),
  refresh_token_seconds: lifetime('refresh tokens', otherwise),
});

const limit = Type.Object(
  {
    endpoint_group: Type.String({
      maxLength: 40,
      description: 'What is counted: an endpoint group; empty: all requests together.',
    }),
    window_seconds: Type.Enum([60, 3_600, 86_400], { description: 'In a minute, an hour or a day.' }),
    requests: Type.Integer({
      minimum: 0,
      maximum: 1_000_000_000_000,
      description: 'At most so many; 0: without limit.',
    }),
  },
  strict,
);

export const limits = Type.Array(limit, { maxItems: 50, description: 'How much may be used.' });

/** A limit as REST shows it. */
export type LimitDocument = Static<typeof limit>;

/** A page of a list whose entries are documents of that `$id`. */
export const pageDocument = <T extends TSchema>(
  $id: string,
  { of, description, example }: { of: T & { readonly $id?: string }; description: string; example: unknown },
) =>
  Type.Object(
    {
      items: Type.Array(Type.Unsafe<Static<T>>({ $ref: `${String(Reflect.get(of, '$id'))}#` })),
      next_cursor: nullable(Type.String({ description: 'null on the last page.' })),
    },
    { $id, description, examples: [{ items: [example], next_cursor: null }] },
  );
