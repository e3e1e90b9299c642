import { Type } from 'typebox';
import { strict } from './json-types.ts';

/** The query of a list that comes in pages. */
export const pageQuery = (maximum: number) =>
  Type.Object(
    {
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum, description: 'At most so many.' })),
      cursor: Type.Optional(
        Type.String({ maxLength: 512, description: 'Where the page begins; from the page before.' }),
      ),
    },
    strict,
  );

/** The body of a request that says everything by its address. */
export const emptyBody = Type.Object({}, { ...strict, description: 'Nothing, or an empty object.', examples: [{}] });
