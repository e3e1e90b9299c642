const shape = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Whether Postgres takes the text for a UUID. Anything else is nobody's id. */
export const isUuid = (text: string): boolean => shape.test(text);
