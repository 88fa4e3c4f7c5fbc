/**
 * Which names this server answers to. A page of another site can make a browser send requests here under a name that it
 * resolves to us (DNS rebinding): only loopback, the address that the connection really came to, and the configured
 * public names pass.
 */
export function isHostAllowed(
  hostHeader: string | undefined,
  localAddress: string | undefined,
  publicHosts: readonly string[],
): boolean {
  const host = hostHeader?.trim().toLowerCase();
  if (!host) return false;
  const name = hostName(host);
  if (name === 'localhost' || name === '::1' || /^127(\.\d{1,3}){3}$/.test(name)) return true;
  if (localAddress !== undefined && name === localAddress.toLowerCase().replace(/^::ffff:/, '')) return true;
  return publicHosts.includes(host) || publicHosts.includes(name);
}

/** A request of another site: refused wherever it could change something. Absent headers are old clients and tools. */
export function isCrossSite(
  headers: { origin?: string | undefined; 'sec-fetch-site'?: string | undefined },
  host: string,
): boolean {
  const site = headers['sec-fetch-site'];
  if (site === 'cross-site' || site === 'same-site') return true;
  if (headers.origin === undefined) return false;
  try {
    return new URL(headers.origin).host.toLowerCase() !== host.toLowerCase();
  } catch {
    return true;
  }
}

function hostName(host: string): string {
  const bracketed = /^\[([0-9a-f:.%]+)\](?::\d+)?$/.exec(host);
  return bracketed?.[1] ?? host.replace(/:\d+$/, '');
}
