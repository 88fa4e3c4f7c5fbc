import dgram from 'node:dgram';
import dns from 'node:dns';
import net from 'node:net';
import type { AddressFilter } from './address-filter.ts';

type LookupAddress = { address: string; family: number };
type LookupCallback = (error: Error | null, address?: string | LookupAddress[], family?: number) => void;
type ConnectOptions = { host?: string; port?: number | string; path?: string | null; lookup?: unknown };

/**
 * Keeps this process from connecting to anywhere but the internet (and what the operator allows): trackers, their
 * redirects, peers and DHT nodes are strangers' words, and a filter before the call does not see a redirect or what a
 * name resolves to. Names are resolved once, and the checked address is the one that is connected to.
 *
 * It wraps `net.Socket.connect`, `dgram.Socket.send` and `dns.lookup` of the whole process, so it is for processes that
 * have nothing else to do; call-home is exempt by host and port. WebRTC's own sockets are outside of Node.
 */
export function guardEgress(isAllowed: AddressFilter, exempt: readonly { host: string; port: number }[]): void {
  const lookup = dns.lookup as unknown as (hostname: string, options: object, callback: LookupCallback) => void;
  const guardedLookup = (hostname: string, optionsOrCallback: object | LookupCallback, maybeCallback?: LookupCallback) => {
    const callback = maybeCallback ?? (optionsOrCallback as LookupCallback);
    const options = maybeCallback ? (optionsOrCallback as object) : {};
    // An address is judged where it is connected to; to listen on it is no business of ours.
    if (net.isIP(hostname) !== 0) return lookup(hostname, options, callback);
    return lookup(hostname, options, (error, found, family) => {
      if (error) return callback(error);
      const allowed = (Array.isArray(found) ? found : [{ address: found as string, family: family as number }]).filter((each) =>
        isAllowed(each.address),
      );
      const [first] = allowed;
      if (!first) return callback(refusal(hostname));
      return Array.isArray(found) ? callback(null, allowed) : callback(null, first.address, first.family);
    });
  };
  (dns as { lookup: unknown }).lookup = guardedLookup;

  const connect = net.Socket.prototype.connect as (this: net.Socket, ...args: unknown[]) => net.Socket;
  net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]): net.Socket {
    const options = readConnectOptions(args);
    // A socket of the file system; node's own HTTP client leaves a null here, and means an address.
    if (typeof options.path === 'string') return connect.apply(this, args);
    const host = options.host ?? 'localhost';
    if (exempt.some((each) => each.host === host && each.port === Number(options.port))) {
      options.lookup = lookup;
      return connect.apply(this, args);
    }
    if (net.isIP(host) !== 0 && !isAllowed(host)) {
      process.nextTick(() => this.destroy(refusal(host)));
      return this;
    }
    options.lookup = guardedLookup;
    return connect.apply(this, args);
  } as typeof net.Socket.prototype.connect;

  const send = dgram.Socket.prototype.send as (this: dgram.Socket, ...args: unknown[]) => void;
  dgram.Socket.prototype.send = function (this: dgram.Socket, ...args: unknown[]): void {
    // send(message, offset, length, port, address, callback) or send(message, port, address, callback); a port may be text.
    const address = args[typeof args[2] === 'string' ? 2 : 4];
    if (typeof address !== 'string' || (net.isIP(address) !== 0 && !isAllowed(address))) {
      const callback = args.at(-1);
      if (typeof callback === 'function') process.nextTick(callback as () => void, refusal(String(address)));
      return;
    }
    send.apply(this, args);
  } as typeof dgram.Socket.prototype.send;
}

/** The options object of any of the forms of `connect`; for the form with a port it is put in its place. */
function readConnectOptions(args: unknown[]): ConnectOptions {
  const [first, second] = args;
  // Node's own callers pass one array that holds the options and the callback.
  if (Array.isArray(first)) return first[0] as ConnectOptions;
  if (typeof first === 'object' && first !== null) return first as ConnectOptions;
  const isPath = typeof first === 'string' && !/^\d+$/.test(first);
  const options: ConnectOptions = isPath ? { path: first } : { port: first as number };
  if (!isPath && typeof second === 'string') {
    options.host = second;
    args.splice(1, 1);
  }
  args[0] = options;
  return options;
}

function refusal(host: string): Error {
  return Object.assign(new Error(`the address of ${host} is not allowed`), { code: 'EACCES' });
}
