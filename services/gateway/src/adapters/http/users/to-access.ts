import type { Static } from 'typebox';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { neverLimited } from '../../../domain/requests/endpoint-groups.ts';
import type { LimitDocument } from './access-values.ts';
import type { updateGroupBody } from './group-schemas.ts';
import type { updateUserBody } from './user-schemas.ts';

/** What a body says of a user, for a new one and for changes. */
export const toUser = (body: Static<typeof updateUserBody>) => ({
  name: body.name ?? '',
  ...(typeof body.email === 'string' && { email: body.email }),
  groups: body.groups ?? [],
  ...termsOf(body),
});

/** What a body says of a group. */
export const toGroup = (body: Static<typeof updateGroupBody>) => ({
  description: body.description ?? '',
  permissions: body.permissions ?? [],
  everywhere: body.everywhere ?? false,
  ...termsOf(body),
});

/** The names of what a body gives. */
export const maskOf = (body: object) => ({ paths: Object.keys(body) });

interface Terms {
  readonly access_token_seconds?: number | null;
  readonly refresh_token_seconds?: number | null;
  readonly limits?: readonly LimitDocument[];
}

function termsOf({ access_token_seconds: access, refresh_token_seconds: refresh, limits = [] }: Terms) {
  const checks = new FieldChecks();
  for (const [index, { endpoint_group }] of limits.entries()) {
    const why = neverLimited(endpoint_group, 'user');
    if (why !== undefined) checks.add(`limits[${index}].endpoint_group`, why);
  }
  checks.finish();
  return {
    ...(typeof access === 'number' && { accessTokenSeconds: BigInt(access) }),
    ...(typeof refresh === 'number' && { refreshTokenSeconds: BigInt(refresh) }),
    limits: limits.map(({ endpoint_group, window_seconds, requests }) => ({
      ...{ endpointGroup: endpoint_group, windowSeconds: window_seconds, requests: BigInt(requests) },
    })),
  };
}
