import { type Timestamp, timestampDate } from '@bufbuild/protobuf/wkt';

/** A moment as RFC 3339 in UTC, to the millisecond. */
export const showTime = (time: Timestamp | undefined): string =>
  (time ? timestampDate(time) : new Date(0)).toISOString();
