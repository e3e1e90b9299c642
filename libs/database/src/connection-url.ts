/**
 * `url` with settings of ours in its `options` parameter, behind those that it has already: Postgres lets the last one win.
 * The driver takes what stands in the URL before what it is told beside it, so they have to be put there.
 */
export function withServerOptions(url: string, settings: Readonly<Record<string, string>>): string {
  const result = new URL(url);
  const ours = Object.entries(settings).map(([name, value]) => `-c ${name}=${value}`);
  const given = result.searchParams.get('options');
  result.searchParams.set('options', [...(given ? [given] : []), ...ours].join(' '));
  return result.href;
}

/**
 * How long to wait for a connection, in milliseconds: for the server, and for another request to give one back. That is the URL's
 * `connect_timeout`, in seconds as libpq has it (0: without end), which our driver does not read by itself.
 */
export function connectTimeoutMs(url: string, fallbackMs: number): number {
  const given = new URL(url).searchParams.get('connect_timeout');
  return given !== null && /^\d{1,5}$/.test(given) ? Number(given) * 1_000 : fallbackMs;
}
