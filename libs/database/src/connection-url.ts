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
