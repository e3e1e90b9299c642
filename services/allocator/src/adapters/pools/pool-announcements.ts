import {
  PoolChangedSchema,
  PoolChangeKind,
  streams,
  subjects,
  type WatchPoolsResponse,
  WatchPoolsResponseSchema,
} from '@berth/contracts';
import { auditMessage, eventMessage } from '@berth/messaging';
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { resourceName } from '../../domain/pools/pool.ts';
import type { PoolChange } from '../../domain/pools/pool-change.ts';
import type { ChangeForms } from '../postgres/pools/pool-changes.ts';
import { auditedPoolChange } from './audited-pool-change.ts';
import { toPoolMessage, toReservationMessage } from './to-pool-messages.ts';

const kinds: Record<PoolChange['kind'], PoolChangeKind> = {
  created: PoolChangeKind.CREATED,
  updated: PoolChangeKind.UPDATED,
  deleted: PoolChangeKind.DELETED,
  reserved: PoolChangeKind.RESERVED,
  released: PoolChangeKind.RELEASED,
  threshold: PoolChangeKind.THRESHOLD,
};

const toChangeMessage = (change: PoolChange, revision: string): WatchPoolsResponse =>
  create(WatchPoolsResponseSchema, {
    revision,
    change: kinds[change.kind],
    pool: toPoolMessage(change.pool),
    ...('reservation' in change && { reservation: toReservationMessage(change.reservation) }),
    ...('reached' in change && { thresholdReached: change.reached }),
    at: timestampFromDate(change.at),
  });

/** Changes as the watch, the public event and the audit log tell them. */
export const changeForms: ChangeForms = {
  audited: (change, author) => {
    const audited = auditedPoolChange(change);
    return audited && auditMessage(author, audited);
  },

  told(change, revision) {
    const message = toChangeMessage(change, revision);
    const { pool } = change;
    const event = {
      stream: streams.events,
      subject: subjects.poolChanged(pool.spec.kind, pool.name),
      type: 'berth.pool.changed',
      source: 'berth/allocator',
      about: resourceName(pool),
    };
    return {
      message: toBinary(WatchPoolsResponseSchema, message),
      event: eventMessage(event, PoolChangedSchema, { change: message }),
    };
  },
};
