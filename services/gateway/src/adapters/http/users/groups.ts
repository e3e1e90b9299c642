import { GroupService } from '@berth/contracts';
import { userIdOf } from '../../../domain/users/user-id.ts';
import {
  type AdministrationDeps,
  changing,
  contextOf,
  ending,
  making,
  paging,
  sendPage,
  sendVersioned,
  showing,
  tagged,
} from '../administration.ts';
import { principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { ifNoneMatchHeader, keyedConditionalHeaders, keyedHeaders } from '../command-docs.ts';
import { pageQuery } from '../common-schemas.ts';
import {
  createGroupBody,
  deleteGroupQuery,
  groupMemberBody,
  groupParams,
  memberParams,
  updateGroupBody,
} from './group-schemas.ts';
import { present, showGroup } from './show-access.ts';
import { maskOf, toGroup } from './to-access.ts';

const { method } = GroupService;
const path = '/v1/admin/groups';
const onePath = `${path}/:name`;
const config = { permission: 'groups:admin' } as const;
const tags = ['Groups'];

/** Groups and their members: made, listed, changed and removed. */
export function groupRoutes(app: App, deps: AdministrationDeps): void {
  readRoutes(app, deps);
  createRoute(app, deps);
  updateRoute(app, deps);
  deleteRoute(app, deps);
  listMembersRoute(app, deps);
  changeMembersRoutes(app, deps);
}

function readRoutes(app: App, { auth }: AdministrationDeps): void {
  const list = {
    ...{ operationId: 'listGroups', summary: 'List groups', tags, headers: ifNoneMatchHeader },
    querystring: pageQuery(500),
    response: paging('GroupPage'),
  };
  app.get(path, { schema: list, config }, async (request, reply) => {
    const { limit = 0, cursor = '' } = request.query;
    const question = { principal: principalOf(request), pageSize: limit, pageToken: cursor };
    const { groups, nextPageToken } = await auth.read(method.listGroups, question);
    return sendPage(request, reply, groups.map(showGroup), nextPageToken);
  });

  const get = {
    ...{ operationId: 'getGroup', summary: 'Get a group', tags, headers: ifNoneMatchHeader, params: groupParams },
    response: showing('Group', 'The group.'),
  };
  app.get(onePath, { schema: get, config }, async (request, reply) => {
    const question = { principal: principalOf(request), name: request.params.name };
    const { group } = await auth.read(method.getGroup, question);
    return sendVersioned(request, reply, showGroup(present(group)));
  });
}

function createRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'createGroup', summary: 'Make a group', tags, headers: keyedHeaders },
    description: 'Nobody gives more than they hold themselves.',
    body: createGroupBody,
    response: making(tagged('Group', 'The group.', true)),
  };
  app.post(path, { schema, config }, async (request, reply) => {
    const { name, take_over: takeOver = false, ...terms } = request.body;
    const message = { group: { name, ...toGroup(terms) }, takeOver, context: contextOf(deps, request) };
    const { group } = await deps.auth.change(method.createGroup, message);
    return sendVersioned(request, reply.code(201).header('Location', `${path}/${name}`), showGroup(present(group)));
  });
}

function updateRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'updateGroup', summary: 'Change a group', tags, headers: keyedConditionalHeaders },
    description:
      'For all its members at once, on every gateway. Who does must hold all that it gives, before and after.',
    params: groupParams,
    body: updateGroupBody,
    response: changing(tagged('Group', 'The group.'), 412),
  };
  app.patch(onePath, { schema, config }, async (request, reply) => {
    const group = { name: request.params.name, ...toGroup(request.body) };
    const message = { group, updateMask: maskOf(request.body), context: contextOf(deps, request) };
    const answer = await deps.auth.change(method.updateGroup, message);
    return sendVersioned(request, reply, showGroup(present(answer.group)));
  });
}

function deleteRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'deleteGroup', summary: 'Remove a group', tags, headers: keyedConditionalHeaders },
    description: 'VMs and pools that it owns stay owned by its name.',
    ...{ params: groupParams, querystring: deleteGroupQuery },
    response: ending('It is gone.', 412),
  };
  app.delete(onePath, { schema, config }, async (request, reply) => {
    const { force = false } = request.query;
    const message = { name: request.params.name, force, context: contextOf(deps, request) };
    await deps.auth.change(method.deleteGroup, message);
    return reply.code(204).send();
  });
}

function listMembersRoute(app: App, { auth }: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'listGroupMembers', summary: 'List the members of a group', tags, headers: ifNoneMatchHeader },
    ...{ params: groupParams, querystring: pageQuery(500) },
    response: paging('GroupMemberPage', 404),
  };
  app.get(`${onePath}/members`, { schema, config }, async (request, reply) => {
    const { limit = 0, cursor = '' } = request.query;
    const { name } = request.params;
    const question = { principal: principalOf(request), name, pageSize: limit, pageToken: cursor };
    const { members, nextPageToken } = await auth.read(method.listGroupMembers, question);
    return sendPage(request, reply, members.map(showMember), nextPageToken);
  });
}

function changeMembersRoutes(app: App, deps: AdministrationDeps): void {
  const add = {
    ...{ operationId: 'addGroupMember', summary: 'Make a user a member of a group', tags, headers: keyedHeaders },
    description: 'At once, on every gateway. Who is a member already stays one.',
    ...{ params: groupParams, body: groupMemberBody },
    response: changing({ $ref: 'GroupMember#' }),
  };
  app.post(`${onePath}/members`, { schema: add, config }, async (request, reply) => {
    const { user_id, home = false } = request.body;
    const message = { name: request.params.name, userId: userIdOf(user_id), home, context: contextOf(deps, request) };
    const { member } = await deps.auth.change(method.addGroupMember, message);
    return reply.send(showMember(present(member)));
  });

  const remove = {
    ...{ operationId: 'removeGroupMember', summary: 'End a membership', tags, headers: keyedHeaders },
    description: 'At once, on every gateway. The last admin stays one.',
    params: memberParams,
    response: ending('The user is no member.'),
  };
  app.delete(`${onePath}/members/:user_id`, { schema: remove, config }, async (request, reply) => {
    const { name, user_id } = request.params;
    await deps.auth.change(method.removeGroupMember, {
      ...{ name, userId: userIdOf(user_id), context: contextOf(deps, request) },
    });
    return reply.code(204).send();
  });
}

const showMember = ({ userId, name, home }: { userId: string; name: string; home: boolean }) => ({
  ...{ user_id: userId, name, home },
});
