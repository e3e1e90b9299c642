import { AsyncLocalStorage } from 'node:async_hooks';

/** What every log line of a request carries. */
export interface RequestContext {
  readonly requestId: string;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** Runs `work` so that each log line below it carries the request's id. */
export const inRequest = <T>(context: RequestContext, work: () => T): T => storage.run(context, work);

/** The request that this code runs for, if any. */
export const currentRequest = (): RequestContext | undefined => storage.getStore();
