import { DomainError } from '@berth/errors';
import { invalidRequest } from '../../../domain/field-checks.ts';
import type { App } from '../app-types.ts';

const holdsNul = (value: unknown): boolean => [value].flat().some((one) => String(one).includes('\0'));

/** Refuses U+0000 in addresses, which no name has and Postgres does not take: nothing is found there, and no parameter may hold it. */
export function refuseNul(app: App): void {
  app.addHook('preValidation', async ({ params, query }) => {
    if (Object.values(Object(params)).some(holdsNul)) {
      throw new DomainError('not_found', 'ROUTE_NOT_FOUND', 'There is nothing at this address.');
    }
    const wrong = Object.entries(Object(query)).filter((parameter) => parameter.some(holdsNul));
    if (wrong.length === 0) return;
    const message = 'must not contain the character U+0000';
    throw invalidRequest(wrong.map(([name]) => ({ field: name.replaceAll('\0', ''), message })));
  });
}
