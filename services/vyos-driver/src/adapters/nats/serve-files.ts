import { authorOf, RouterFileService, RouterFileState, requireEverywhere } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { type Bus, serve } from '@berth/messaging';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type AskForFileDeps, askForFile } from '../../app/routers/ask-for-file.ts';
import { pathOfFile, type RouterFile } from '../../domain/routers/router-file.ts';
import type { PostgresRouterFiles } from '../postgres/routers/postgres-router-files.ts';

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

const states: Record<RouterFile['state'], RouterFileState> = {
  asked: RouterFileState.ASKED,
  saved: RouterFileState.SAVED,
  failed: RouterFileState.FAILED,
};

/** Answers RouterFileService on any replica. Gives back its stop. */
export function serveFiles(
  bus: Bus,
  files: PostgresRouterFiles,
  asking: Omit<AskForFileDeps, 'files'>,
): () => Promise<void> {
  const { method } = RouterFileService;
  const stops = [
    serve(bus, method.saveRouterFile, async ({ principal, router, name, requestId, waitMs, origin }) => {
      requireEverywhere(principal, 'routers:admin');
      if (!uuid.test(requestId)) throw new DomainError('invalid', 'MALFORMED_COMMAND', 'The request has no id.');
      const author = authorOf(principal, origin);
      return { file: onWire(await askForFile({ ...asking, files }, { router, name, requestId, author, waitMs })) };
    }),
    serve(bus, method.listRouterFiles, async ({ principal, router }) => {
      requireEverywhere(principal, 'routers:read');
      return { files: (await files.list(router)).map(onWire) };
    }),
  ];
  return async () => void (await Promise.all(stops.map((stop) => stop())));
}

const onWire = ({ name, state, askedAt, askedBy, savedAt, commitNumber = 0n, message }: RouterFile) => ({
  ...{ name, path: pathOfFile(name), state: states[state], askedAt: timestampFromDate(askedAt), askedBy },
  ...(savedAt && { savedAt: timestampFromDate(savedAt) }),
  ...{ commitNumber, message },
});
