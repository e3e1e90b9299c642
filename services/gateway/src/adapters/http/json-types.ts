import { type Static, type TSchema, Type } from 'typebox';

/** Refuses members that are not named. */
export const strict = { additionalProperties: false } as const;

/** A value or null. */
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** An object with any names whose values are alike. Says `additionalProperties`, which generators of clients understand. */
export const mapOf = <T extends TSchema>(values: T, options: { description?: string } = {}) =>
  Type.Unsafe<Record<string, Static<T>>>({ type: 'object', additionalProperties: values, ...options });

/** Any JSON object. */
export const anyObject = (options: { description?: string } = {}) =>
  Type.Unsafe<Record<string, unknown>>({ type: 'object', additionalProperties: true, ...options });
