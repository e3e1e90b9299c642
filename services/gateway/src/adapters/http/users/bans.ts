import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { FieldChecks } from '../../../domain/field-checks.ts';
import { parseTime } from '../../../domain/parse-time.ts';
import { userIdOf } from '../../../domain/users/user-id.ts';
import {
  type AdministrationDeps,
  changing,
  contextOf,
  paging,
  sendPage,
  sendVersioned,
  tagged,
} from '../administration.ts';
import { principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { ifNoneMatchHeader, keyedHeaders } from '../command-docs.ts';
import { pageQuery } from '../common-schemas.ts';
import { present, showBan, showUser } from './show-access.ts';
import { userAdministration } from './user-administration.ts';
import { banBody, unbanBody, userParams } from './user-schemas.ts';

const { method, onePath, reading, administering, tags } = userAdministration;

/** Bans: begun, lifted and listed. */
export function banRoutes(app: App, deps: AdministrationDeps): void {
  banRoute(app, deps);
  unbanRoute(app, deps);
  historyRoute(app, deps);
}

function banRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'banUser', summary: 'Ban a user', tags, headers: keyedHeaders },
    description: 'At once, on every gateway, for ever or until a date. Nobody bans themselves or the last admin.',
    ...{ params: userParams, body: banBody },
    response: changing(tagged('User', 'The user.')),
  };
  app.post(`${onePath}/ban`, { schema, config: administering }, async (request, reply) => {
    const { reason, until, notify = true } = request.body;
    const checks = new FieldChecks();
    const end = typeof until === 'string' ? checks.of('until', () => parseTime(until)) : undefined;
    checks.finish();
    const answer = await deps.auth.change(method.banUser, {
      ...{ id: userIdOf(request.params.id), reason, notify, context: contextOf(deps, request) },
      ...(end && { until: timestampFromDate(end) }),
    });
    return sendVersioned(request, reply, showUser(present(answer.user)));
  });
}

function unbanRoute(app: App, deps: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'unbanUser', summary: 'Lift a ban', tags, headers: keyedHeaders },
    ...{ params: userParams, body: unbanBody },
    response: changing(tagged('User', 'The user.')),
  };
  app.post(`${onePath}/unban`, { schema, config: administering }, async (request, reply) => {
    const { reason } = request.body;
    const message = { id: userIdOf(request.params.id), reason, context: contextOf(deps, request) };
    const answer = await deps.auth.change(method.unbanUser, message);
    return sendVersioned(request, reply, showUser(present(answer.user)));
  });
}

function historyRoute(app: App, { auth }: AdministrationDeps): void {
  const schema = {
    ...{ operationId: 'listBans', summary: 'List the bans of a user', tags, headers: ifNoneMatchHeader },
    description: 'Past ones and the one that stands, the newest first.',
    ...{ params: userParams, querystring: pageQuery(500) },
    response: paging('BanPage', 404),
  };
  app.get(`${onePath}/bans`, { schema, config: reading }, async (request, reply) => {
    const { limit: pageSize = 0, cursor: pageToken = '' } = request.query;
    const question = { principal: principalOf(request), userId: userIdOf(request.params.id), pageSize, pageToken };
    const { bans, nextPageToken } = await auth.read(method.listBans, question);
    return sendPage(request, reply, bans.map(showBan), nextPageToken);
  });
}
