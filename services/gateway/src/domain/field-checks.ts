import { DomainError, type FieldError } from '@berth/errors';

/** Collects what is wrong with a request's fields, so that the caller hears of all of it at once. */
export class FieldChecks {
  readonly #errors: FieldError[] = [];

  /** Notes that `field` (its path as the caller wrote it) is wrong. */
  add(field: string, message: string): void {
    this.#errors.push({ field, message });
  }

  /** The value that `parse` makes of a field, or `undefined` with the reason noted. */
  of<T>(field: string, parse: () => T): T | undefined {
    try {
      return parse();
    } catch (error) {
      if (!(error instanceof WrongValue)) throw error;
      this.add(error.within === undefined ? field : `${field}.${error.within}`, error.message);
      return undefined;
    }
  }

  /** Throws once, naming every wrong field; returns when none is. */
  finish(): void {
    if (this.#errors.length > 0) throw invalidRequest(this.#errors);
  }
}

/** Why a value is not what its field wants. `within` names a part of it, when that part alone is wrong. */
export class WrongValue extends Error {
  override readonly name = 'WrongValue';
  readonly within: string | undefined;
  constructor(message: string, within?: string) {
    super(message);
    this.within = within;
  }
}

/** What `parse` gives; a wrong value is told of as the part of that name. */
export function inPart<T>(part: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof WrongValue ? new WrongValue(error.message, part) : error;
  }
}

/** A request whose fields are wrong. */
export const invalidRequest = (fields: readonly FieldError[]): DomainError =>
  new DomainError('invalid', 'INVALID_REQUEST', sayFields(fields), { fields });

/** What is wrong with the first of the fields, and how many more are. */
export function sayFields(fields: readonly FieldError[]): string {
  const [first, ...more] = fields;
  if (first === undefined) return 'The request is not valid.';
  const rest = more.length === 0 ? '' : ` (and ${more.length} more: see errors)`;
  return `${first.field}: ${first.message}${rest}`;
}
