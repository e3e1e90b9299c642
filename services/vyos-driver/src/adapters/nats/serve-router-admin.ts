import {
  authorOf,
  type CommandContext,
  RouterAdminService,
  RouterDetailsSchema,
  requireEverywhere,
  type RouterSettings as SettingsMessage,
} from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, serve } from '@berth/messaging';
import { fromBinary } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { BorrowDeps } from '../../app/routers/borrow-router.ts';
import {
  addRouter,
  type RouterAdminDeps,
  type RouterCommand,
  removeRouter,
  updateRouter,
} from '../../app/routers/router-admin.ts';
import type { RegistryAnswer } from '../../app/routers/router-registry.ts';
import { type TestDeps, tryRegistered, trySettings } from '../../app/routers/try-router.ts';
import type { RouterTerms } from '../../domain/routers/router-settings.ts';
import { allRouterDetails, routerDetails } from '../postgres/routers/router-details.ts';
import { testMessage } from './router-test-message.ts';
import { toChanges } from './to-router-changes.ts';

export interface RouterAdminServing {
  readonly admin: RouterAdminDeps;
  readonly database: Database;
  readonly borrowing: BorrowDeps;
  readonly keyOf: TestDeps['keyOf'];
  readonly tried: TestDeps['tried'];
}

/** Answers RouterAdminService. Gives back its stop, which waits for what is in work. */
export function serveRouterAdmin(bus: Bus, deps: RouterAdminServing): () => Promise<void> {
  const { admin, database } = deps;
  const { method } = RouterAdminService;
  const testing: TestDeps = { ...deps, registry: admin.registry };
  const stops = [
    serve(bus, method.listRouterDetails, async ({ principal }) => {
      requireEverywhere(principal, 'routers:read');
      return { routers: await allRouterDetails(database) };
    }),
    serve(bus, method.getRouter, async ({ principal, router }) => {
      requireEverywhere(principal, 'routers:read');
      return routerDetails(database, router);
    }),
    serve(bus, method.addRouter, async ({ context, name, settings, disabled }) => {
      const command = commandOf(context, name);
      const asked = { terms: termsOf(settings), key: settings?.key ?? '', enabled: !disabled };
      return answerOf(await addRouter(admin, command, asked));
    }),
    serve(bus, method.updateRouter, async (request) => {
      return answerOf(await updateRouter(admin, commandOf(request.context, request.router), toChanges(request)));
    }),
    serve(bus, method.removeRouter, async ({ context, router }) => {
      const { replayed } = await removeRouter(admin, commandOf(context, router));
      return { replayed };
    }),
    serve(bus, method.testRouter, async ({ principal, router, settings }) => {
      requireEverywhere(principal, 'routers:admin');
      if (router !== '') return testMessage(await tryRegistered(testing, router));
      return testMessage(await trySettings(testing, { terms: termsOf(settings), key: settings?.key ?? '' }, admin));
    }),
  ];
  return async () => {
    await Promise.all(stops.map((stop) => stop()));
  };
}

const answerOf = ({ answer, replayed }: RegistryAnswer) => ({ ...fromBinary(RouterDetailsSchema, answer), replayed });

function commandOf(context: CommandContext | undefined, router: string): RouterCommand {
  requireEverywhere(context?.principal, 'routers:admin');
  const deadline = context?.deadline;
  return {
    router,
    author: authorOf(context?.principal, context),
    deadline: deadline === undefined ? undefined : timestampDate(deadline),
    ifVersion: context?.ifVersion ?? 0n,
    key: context?.idempotency,
  };
}

const termsOf = (settings: SettingsMessage | undefined): RouterTerms => ({
  host: settings?.host ?? '',
  port: settings?.port || 443,
  keyId: settings?.keyId || 'berth',
  caPem: settings?.caPem ?? '',
  fingerprint: settings?.fingerprint ?? '',
  wanInterface: settings?.wanInterface ?? '',
  externalIp: settings?.externalIp ?? '',
  dhcpNetwork: settings?.dhcpNetwork ?? '',
  dhcpSubnet: settings?.dhcpSubnet ?? '',
});
