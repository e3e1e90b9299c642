import { UserAdminService } from '@berth/contracts';

/** What routes of users, of their bans and of invitations are about: one service, one tag, the same two permissions. */
export const userAdministration = {
  method: UserAdminService.method,
  path: '/v1/admin/users',
  onePath: '/v1/admin/users/:id',
  reading: { permission: 'users:read' },
  administering: { permission: 'users:admin' },
  tags: ['Users'],
} as const;
