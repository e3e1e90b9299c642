import { type Principal, type RouterFile, RouterFileService, type SaveRouterFileRequestSchema } from '@berth/contracts';
import { askPatiently, sendPatiently } from '@berth/errors';
import { type Bus, request } from '@berth/messaging';
import type { MessageInitShape } from '@bufbuild/protobuf';

const { method } = RouterFileService;

type FileWish = MessageInitShape<typeof SaveRouterFileRequestSchema>;

/** Whole configurations as files on routers. */
export interface RouterFiles {
  /** Waits at most `waitMs` for the end. Sent again with the same request id, it is the same request. */
  save(
    principal: Principal,
    asked: Required<Pick<FileWish, 'router' | 'name' | 'requestId' | 'waitMs' | 'origin'>>,
  ): Promise<RouterFile | undefined>;
  list(principal: Principal, router: string): Promise<readonly RouterFile[]>;
}

export const routerFiles = (
  bus: Bus,
  { answerTimeoutMs: timeoutMs, nobodyThereMs }: { answerTimeoutMs: number; nobodyThereMs: number },
): RouterFiles => ({
  async save(principal, asked) {
    const send = () =>
      request(bus, method.saveRouterFile, { principal, ...asked }, { timeoutMs: asked.waitMs + timeoutMs });
    return (await sendPatiently(send, nobodyThereMs)).file;
  },
  async list(principal, router) {
    const ask = () => request(bus, method.listRouterFiles, { principal, router }, { timeoutMs });
    return (await askPatiently(ask, nobodyThereMs)).files;
  },
});
