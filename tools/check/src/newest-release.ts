/** The release tag with the highest version, such as `v1.10.0`; pre-releases and other tags do not count. */
export function newestRelease(tags: readonly string[]): string | undefined {
  const releases = tags.flatMap((tag) => {
    const [, ...parts] = /^v(\d+)\.(\d+)\.(\d+)$/.exec(tag) ?? [];
    return parts.length === 3 ? [{ tag, parts: parts.map(Number) }] : [];
  });
  releases.sort((a, b) => {
    const differing = a.parts.findIndex((part, index) => part !== b.parts[index]);
    return differing === -1 ? 0 : (a.parts[differing] ?? 0) - (b.parts[differing] ?? 0);
  });
  return releases.at(-1)?.tag;
}
