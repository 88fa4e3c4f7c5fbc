/**
 * Where a web seed has a file (BEP 19), or null where no address can be made of its name. `rawPath` begins with the
 * torrent's own name. The address of a single file is the whole address, unless it ends in a slash; every other is a folder.
 * Names are percent-encoded whole, so that `c#d?.mp4` stays one name; a component that climbs makes no address.
 */
export function buildWebSeedUrl(base: string, rawPath: readonly string[], isSingleFile: boolean): string | null {
  if (isSingleFile && !base.endsWith('/')) return base;
  if (rawPath.some((component) => component === '' || component === '.' || component === '..')) return null;
  const url = new URL(base);
  const folder = url.pathname.endsWith('/') ? url.pathname : `${url.pathname}/`;
  url.pathname = folder + rawPath.map(encodeURIComponent).join('/');
  return url.href;
}
