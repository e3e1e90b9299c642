import { Permission } from '@berth/contracts';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { Static } from 'typebox';
import { FieldChecks, WrongValue } from '../../../domain/field-checks.ts';
import { parseExpiry } from '../../../domain/keys/key-expiry.ts';
import { parsePlainText } from '../../../domain/router-text.ts';
import type { createApiKeyBody, createOwnKeyBody, updateApiKeyBody, updateOwnKeyBody } from './api-key-schemas.ts';

type CreateBody = Static<typeof createApiKeyBody> | Static<typeof createOwnKeyBody>;
type UpdateBody = Static<typeof updateApiKeyBody> | Static<typeof updateOwnKeyBody>;

const levels = {
  viewer: Permission.VIEWER,
  operator: Permission.OPERATOR,
  admin: Permission.ADMIN,
  custom: Permission.CUSTOM,
  owner: Permission.OWNER,
} as const;

/** The new key that a body asks for; `usual` is what it may do where that is not said. Throws once, naming every field that is wrong. */
export function toNewApiKey(body: CreateBody, usual: Permission) {
  const checks = new FieldChecks();
  const terms = termsOf(body, checks);
  checks.finish();
  return { ...terms, permission: terms.permission ?? usual };
}

/** The changes of a key that a body asks for: new values, and the names of those that change. */
export function toApiKeyChanges(id: string, body: UpdateBody) {
  const checks = new FieldChecks();
  const { permission, ...terms } = termsOf(body, checks);
  checks.finish();
  const paths = [
    ...(body.name === undefined ? [] : ['name']),
    ...(body.description === undefined ? [] : ['description']),
    ...(permission === undefined ? [] : ['permission']),
    ...(body.expires_at === undefined ? [] : ['expires_at']),
    ...(body.group === undefined ? [] : ['group']),
    ...(body.allowed_networks === undefined ? [] : ['allowed_networks']),
  ];
  return {
    apiKey: { id, ...terms, permission: permission ?? Permission.UNSPECIFIED },
    updateMask: { paths },
  };
}

function termsOf(body: CreateBody | UpdateBody, checks: FieldChecks) {
  const name = body.name && checks.of('name', () => parsePlainText(body.name ?? ''));
  const description = body.description && checks.of('description', () => parsePlainText(body.description ?? ''));
  const permission = checks.of('is_admin' in body ? 'is_admin' : 'permission', () => permissionOf(body));
  const expiresAt = checks.of('expires_at', () => parseExpiry(body, new Date()));
  return {
    name: name ?? '',
    description: description ?? '',
    permission,
    permissions: body.permissions ?? [],
    group: body.group ?? '',
    allowedNetworks: body.allowed_networks ?? [],
    ...(expiresAt && { expiresAt: timestampFromDate(expiresAt) }),
  };
}

/** `is_admin` is an older word for the permission; both may be given when they agree. Permissions that are listed are `custom`. */
function permissionOf(body: { permission?: keyof typeof levels; is_admin?: boolean; permissions?: string[] }) {
  const { permission, is_admin } = body;
  if (body.permissions !== undefined) {
    if (permission !== undefined && permission !== 'custom') throw new WrongValue('is given beside permissions');
    if (is_admin === true) throw new WrongValue('contradicts permissions');
    return Permission.CUSTOM;
  }
  if (permission === 'custom') throw new WrongValue('needs permissions to be listed');
  if (permission === undefined) {
    if (is_admin === undefined) return undefined;
    return is_admin ? Permission.ADMIN : Permission.OPERATOR;
  }
  if (is_admin !== undefined && is_admin !== (permission === 'admin'))
    throw new WrongValue(`contradicts the permission ${permission}`);
  return levels[permission];
}
