import { AdoptableService, requireEverywhere } from '@berth/contracts';
import type { Database } from '@berth/database';
import { type Bus, serve } from '@berth/messaging';
import type { ConfigLeaf } from '../../domain/config-leaf.ts';
import { adoptablePage } from '../postgres/adoption/adoptable-rows.ts';

/** Answers what others made on routers, on any replica. Gives back its stop. */
export const serveAdoptable = (bus: Bus, database: Database): (() => Promise<void>) =>
  serve(bus, AdoptableService.method.listAdoptable, async ({ principal, router, pageToken }) => {
    requireEverywhere(principal, 'routers:read');
    const { objects, next } = await adoptablePage(database, router, keyOf(pageToken));
    return {
      mappings: objects.flatMap((object) =>
        object.kind === 'mapping'
          ? [{ mapping: { ...object.mapping, extra: leaves(object.mapping.extra) }, disabled: object.disabled }]
          : [],
      ),
      rules: objects.flatMap((object) =>
        object.kind === 'rule' ? [{ rule: { ...object.rule, extra: leaves(object.rule.extra) } }] : [],
      ),
      nextPageToken: next === undefined ? '' : Buffer.from(next).toString('base64url'),
    };
  });

const leaves = (extra: readonly ConfigLeaf[] = []) =>
  extra.map(({ path, values }) => ({ path: [...path], values: [...values] }));

const keyOf = (pageToken: string): string => Buffer.from(pageToken, 'base64url').toString();
