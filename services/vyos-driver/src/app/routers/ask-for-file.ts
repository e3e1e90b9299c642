import type { AuditAuthor } from '@berth/contracts';
import type { RouterFile } from '../../domain/routers/router-file.ts';
import { checkFileName } from '../../domain/routers/router-file.ts';
import { pause } from '../bell.ts';
import { growingMs } from '../driver-times.ts';

export interface AskForFileDeps {
  readonly files: {
    ask(
      router: string,
      wish: { readonly name: string; readonly requestId: string; readonly author: AuditAuthor },
    ): Promise<void>;
    find(router: string, name: string): Promise<RouterFile | undefined>;
  };
  /** Wakes the router's worker, whichever replica it runs in. */
  readonly wake: (router: string) => void;
  readonly stopping: AbortSignal;
}

/** A file that shall be saved on a router. */
export interface FileWish {
  readonly router: string;
  readonly name: string;
  readonly requestId: string;
  readonly author: AuditAuthor;
  readonly waitMs: number;
}

const firstLookMs = 50;
const mostLookMs = 500;
const longestWaitMs = 120_000;

/** Has the running configuration saved to a file, and waits at most so long for the end. The replica that works the router sees it in the tables. */
export async function askForFile({ files, wake, stopping }: AskForFileDeps, wish: FileWish): Promise<RouterFile> {
  const { router, name, waitMs } = wish;
  checkFileName(name);
  await files.ask(router, wish);
  wake(router);
  const until = performance.now() + Math.min(waitMs, longestWaitMs);
  for (let looks = 1; ; looks++) {
    const file = await files.find(router, name);
    if (file === undefined) throw new Error(`the file ${name} that was asked for is not known`);
    const leftMs = until - performance.now();
    if (file.state !== 'asked' || leftMs <= 0 || stopping.aborted) return file;
    await pause(Math.min(leftMs, growingMs(looks, firstLookMs, mostLookMs)), stopping);
  }
}
