import { randomUUID } from 'node:crypto';
import { type RouterFile, RouterFileState } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import type { RouterFiles } from '../../nats/router-files.ts';
import { originOf, principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { routerParams } from '../history/history-schemas.ts';
import { problems } from '../problem-schemas.ts';
import { showTime } from '../show-time.ts';
import { type RouterFileDocument, routerFileBody } from './router-file-schemas.ts';

export interface RouterFileDeps {
  readonly files: RouterFiles;
  readonly waitSeconds: number;
}

const tags = ['Routers'];
const path = '/v1/routers/:router/files';

/** Whole configurations, as files on the routers. */
export function routerFileRoutes(app: App, deps: RouterFileDeps): void {
  saveRoute(app, deps);
  listRoute(app, deps);
}

function saveRoute(app: App, { files, waitSeconds }: RouterFileDeps): void {
  const document = (description: string) => ({
    description,
    content: { 'application/json': { schema: { $ref: 'RouterFile#' } } },
  });
  const schema = {
    operationId: 'saveRouterFile',
    summary: 'Save the whole configuration on the router',
    description:
      'The router writes its running configuration to a file of its own, between two changes of Berth. Needs a key of no group.',
    tags,
    params: routerParams,
    body: routerFileBody,
    response: {
      201: document('The router wrote it.'),
      202: document('It waits for the router; the list says how it ends.'),
      ...problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 500, 502, 503),
    } as unknown,
  };
  app.post(path, { schema, config: { permission: 'routers:admin', audit: 'driver' } }, async (request, reply) => {
    const { router } = request.params;
    const wish = { router, name: request.body.name, requestId: randomUUID(), waitMs: waitSeconds * 1_000 };
    const asked = { ...wish, origin: originOf(request) };
    const file = await files.save(principalOf(request), asked);
    if (file?.state === RouterFileState.FAILED) throw notSaved(file.message);
    return reply.code(file?.state === RouterFileState.SAVED ? 201 : 202).send(file && showFile(file));
  });
}

function listRoute(app: App, { files }: RouterFileDeps): void {
  const schema = {
    operationId: 'listRouterFiles',
    summary: 'List the configurations saved on the router',
    description: 'Those that were saved by way of Berth; somebody may have removed one on the router since.',
    tags,
    params: routerParams,
    response: { 200: { $ref: 'RouterFileList#' }, ...problems(401, 403, 404, 429, 500, 503) } as unknown,
  };
  app.get(path, { schema, config: { permission: 'routers:read' } }, async (request, reply) => {
    const found = await files.list(principalOf(request), request.params.router);
    return reply.send({ items: found.map(showFile) });
  });
}

const states: Record<RouterFileState, RouterFileDocument['state']> = {
  [RouterFileState.UNSPECIFIED]: 'asked',
  [RouterFileState.ASKED]: 'asked',
  [RouterFileState.SAVED]: 'saved',
  [RouterFileState.FAILED]: 'failed',
};

const showFile = (file: RouterFile): RouterFileDocument => ({
  name: file.name,
  path: file.path,
  state: states[file.state],
  asked_at: showTime(file.askedAt),
  asked_by: file.askedBy,
  saved_at: file.savedAt === undefined ? null : showTime(file.savedAt),
  commit_number: file.commitNumber === 0n ? null : Number(file.commitNumber),
  message: file.message || null,
});

const notSaved = (message: string) =>
  new DomainError('rejected', 'ROUTER_FILE_NOT_SAVED', `The router did not save the file. ${message}`);
