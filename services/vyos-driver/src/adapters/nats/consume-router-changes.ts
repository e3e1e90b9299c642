import { RouterChangeSchema, streams, subjects } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, type Consumption, consume, listen, notify } from '@berth/messaging';
import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import { type ChangeInbox, receiveChanges } from '../../app/changes/receive-changes.ts';

/** Takes what allocators want from the stream, and tells every replica that a router has work. */
export const consumeRouterChanges = (deps: { bus: Bus; database: Database; inbox: ChangeInbox }): Consumption =>
  consume(deps, {
    stream: streams.routerChanges,
    durable: 'vyos-driver',
    schema: RouterChangeSchema,
    batchSize: 500,
    handle: (batch) =>
      receiveChanges(
        {
          inbox: deps.inbox,
          wake: (router) => wakeRouter(deps.bus, router),
        },
        batch.map(({ message }) => message),
      ),
  });

/** Tells every replica that a router has work. */
export const wakeRouter = (bus: Bus, router: string): void =>
  notify(bus, subjects.routerWork, StringValueSchema, { value: router });

/** Calls `wake` with the router's name whenever a replica has stored changes. Gives back its stop. */
export const listenForRouterWork = (bus: Bus, wake: (router: string) => void): (() => void) =>
  listen(bus, subjects.routerWork, StringValueSchema, ({ value }) => wake(value));
