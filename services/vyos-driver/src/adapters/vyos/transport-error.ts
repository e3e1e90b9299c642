/** What went wrong with a connection, in one line for people: a code where there is one, and the reasons of all attempts. */
export function oneLine(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const attempts = error instanceof AggregateError ? error.errors.map(oneLine).join('; ') : '';
  const message = error.message === '' ? attempts : error.message;
  return code === undefined || message.includes(code) ? message : `${message} (${code})`;
}
