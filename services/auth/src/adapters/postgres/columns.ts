/** A moment as Postgres gives it. */
export const dateOf = (text: string | null): Date | null => (text === null ? null : new Date(text));

/** A `bigint` as Postgres gives it. */
export const numberOf = (text: string | null): number | null => (text === null ? null : Number(text));
