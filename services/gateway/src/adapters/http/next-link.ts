/** The `Link` to the page at `cursor` of what the request with this URL asked for. */
export function linkToNext(url: string, cursor: string): string {
  const [path = '', asked = ''] = url.split('?', 2);
  const query = new URLSearchParams(asked);
  query.set('cursor', cursor);
  return `<${path}?${query}>; rel="next"`;
}
