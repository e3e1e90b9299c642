import { p, Type } from '@mikro-orm/core';

/** `text[]`. Every value is quoted: MikroORM's own type leaves `null` and values with blanks at their ends as they are, which changes them. */
class TextArray extends Type<readonly string[], string> {
  override convertToDatabaseValue(values: readonly string[]): string {
    return `{${values.map((value) => `"${value.replaceAll(/["\\]/g, '\\$&')}"`).join(',')}}`;
  }

  override convertToJSValue(values: unknown): readonly string[] {
    return values as readonly string[]; // the driver has read it
  }

  override getColumnType(): string {
    return 'text[]';
  }
}

export const texts = () => p.type(TextArray).$type<readonly string[]>();

/** A moment with JavaScript's precision, so that a value read is the value kept. */
export const moment = () => p.datetime().columnType('timestamptz(3)');

/** Counts a row's changes. */
export const version = () => p.bigint('number').version().default(1);

/** The order in which rows were written; the database gives it. */
export const written = () => p.bigint('string').autoincrement().generated('identity');
