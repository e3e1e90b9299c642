import { IdentityProviderEntity, RedirectUriEntity } from './identities/identity-provider-entity.ts';
import { BanEntity } from './users/ban-entity.ts';
import { FormerGroupEntity, GroupEntity } from './users/group-entity.ts';
import { InvitationEntity } from './users/invitation-entity.ts';

/** What auth keeps as entities. Everything else is rows and statements (decision 4). */
export const entities = [
  GroupEntity,
  FormerGroupEntity,
  BanEntity,
  InvitationEntity,
  IdentityProviderEntity,
  RedirectUriEntity,
];
