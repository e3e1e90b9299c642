import { Permission } from '@berth/contracts';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Static } from 'typebox';
import { FieldChecks, WrongValue } from '../../domain/field-checks.ts';
import { parseExpiry } from '../../domain/key-expiry.ts';
import { parsePlainText } from '../../domain/router-text.ts';
import type { createApiKeyBody, updateApiKeyBody } from './documents/api-key.ts';

type CreateBody = Static<typeof createApiKeyBody>;
type UpdateBody = Static<typeof updateApiKeyBody>;

const permissions = { viewer: Permission.VIEWER, operator: Permission.OPERATOR, admin: Permission.ADMIN } as const;

/** The new key that a body asks for. Throws once, naming every field that is wrong. */
export function toNewApiKey(body: CreateBody) {
  const checks = new FieldChecks();
  const texts = textsOf(body, checks);
  const permission = checks.of('is_admin', () => permissionOf(body)) ?? Permission.OPERATOR;
  const expiresAt = checks.of('expires_at', () => parseExpiry(body, new Date()));
  checks.finish();
  return {
    name: texts.name ?? '',
    description: texts.description ?? '',
    permission,
    ...(expiresAt && { expiresAt: timestampFromDate(expiresAt) }),
  };
}

/** The changes of a key that a body asks for: new values, and the names of those that change. */
export function toApiKeyChanges(id: string, body: UpdateBody) {
  const checks = new FieldChecks();
  const texts = textsOf(body, checks);
  const permission = checks.of('is_admin', () => permissionOf(body));
  const expiresAt = checks.of('expires_at', () => parseExpiry(body, new Date()));
  checks.finish();
  const paths = [
    ...(body.name === undefined ? [] : ['name']),
    ...(body.description === undefined ? [] : ['description']),
    ...(permission === undefined ? [] : ['permission']),
    ...(body.expires_at === undefined ? [] : ['expires_at']),
  ];
  return {
    apiKey: {
      id,
      name: texts.name ?? '',
      description: texts.description ?? '',
      permission: permission ?? Permission.UNSPECIFIED,
      ...(expiresAt && { expiresAt: timestampFromDate(expiresAt) }),
    },
    updateMask: { paths },
  };
}

function textsOf(body: { name?: string; description?: string }, checks: FieldChecks) {
  const name = body.name && checks.of('name', () => parsePlainText(body.name ?? ''));
  const description = body.description && checks.of('description', () => parsePlainText(body.description ?? ''));
  return { name, description };
}

/** `is_admin` is an older word for the permission; both may be given when they agree. */
function permissionOf({ permission, is_admin }: { permission?: keyof typeof permissions; is_admin?: boolean }) {
  if (permission === undefined) {
    if (is_admin === undefined) return undefined;
    return is_admin ? Permission.ADMIN : Permission.OPERATOR;
  }
  if (is_admin !== undefined && is_admin !== (permission === 'admin'))
    throw new WrongValue(`contradicts the permission ${permission}`);
  return permissions[permission];
}
