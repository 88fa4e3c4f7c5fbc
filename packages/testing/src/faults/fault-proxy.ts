import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What the proxy does to bytes on their way. Both directions, unless a name says which. */
export type Faults = {
  /** Every chunk arrives so much later. */
  delayMs?: number;
  /** From the server to the client; a token clock of 10 ms. */
  downBytesPerSecond?: number;
  /** The connection is reset when the server has sent so many bytes through it. */
  cutAfterBytes?: number;
  /** Nothing passes any more, in both directions, and nobody is told. */
  isSilent?: boolean;
  /** New connections are reset at once. */
  isRefusing?: boolean;
};

export type FaultProxy = AsyncDisposable & {
  readonly address: string;
  readonly port: number;
  /** Replaces the faults, also for connections that are open. */
  set(faults: Faults): void;
  /** Resets every open connection. */
  reset(): void;
  connectionCount(): number;
  /** Bytes that have gone from the server to clients. */
  downBytes(): number;
};

/** Token clock: short enough that a rate looks even. */
const TICK_MS = 10;
/** Bytes held for one direction; beyond it the source is paused, so that a slow reader is felt at the other end. */
const MAX_HELD_BYTES = 256 * 1024;
/** A delay holds bytes too, as a long cable does: at most this rate fits into one that is not limited. */
const CABLE_BYTES_PER_SECOND = 512 * 1024 * 1024;

export type FaultProxyOptions = {
  target: { address: string; port: number };
  /** Where the target sees the connections come from. */
  localAddress?: string;
  address?: string;
  port?: number;
  faults?: Faults;
};

/** A TCP proxy between two real programs that does what networks do: delays, slows, cuts, falls silent. */
export async function startFaultProxy({
  target,
  localAddress,
  address = '127.0.0.1',
  port = 0,
  faults = {},
}: FaultProxyOptions): Promise<FaultProxy> {
  const state = { faults, downBytes: 0 };
  const pairs = new Set<Pair>();
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    if (state.faults.isRefusing) return void client.resetAndDestroy();
    const upstream = connect({
      host: target.address,
      port: target.port,
      noDelay: true,
      allowHalfOpen: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    const pair = joinSockets(client, upstream, state);
    pairs.add(pair);
    client.once('close', () => pairs.delete(pair));
  });
  server.listen(port, address);
  await once(server, 'listening');
  const reset = () => {
    for (const pair of [...pairs]) pair.reset();
  };
  return {
    address,
    port: (server.address() as { port: number }).port,
    set: (next) => {
      state.faults = next;
      for (const pair of pairs) pair.wake();
    },
    reset,
    connectionCount: () => pairs.size,
    downBytes: () => state.downBytes,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      reset();
      await closed;
    },
  };
}

type State = { faults: Faults; downBytes: number };
type Pair = { reset: () => void; wake: () => void };

function joinSockets(client: Socket, upstream: Socket, state: State): Pair {
  let sent = 0;
  const reset = () => {
    client.resetAndDestroy();
    upstream.resetAndDestroy();
  };
  const up = createRelay({ from: client, to: upstream, state, rate: () => undefined, left: () => Number.POSITIVE_INFINITY });
  const down = createRelay({
    from: upstream,
    to: client,
    state,
    rate: () => state.faults.downBytesPerSecond,
    left: () => (state.faults.cutAfterBytes ?? Number.POSITIVE_INFINITY) - sent,
    // The last byte before a cut is in the kernel by now: a reset does not take it back.
    onWritten: (count) => {
      sent += count;
      state.downBytes += count;
      if (sent >= (state.faults.cutAfterBytes ?? Number.POSITIVE_INFINITY)) reset();
    },
  });
  // What one side sent before it left is still on its way; only a destination that is gone ends a direction.
  client.on('error', reset).once('close', down.stop);
  upstream.on('error', reset).once('close', up.stop);
  return {
    reset,
    wake: () => {
      up.flush();
      down.flush();
    },
  };
}

type RelayOptions = {
  from: Socket;
  to: Socket;
  state: State;
  rate: () => number | undefined;
  /** How many bytes may still pass before the cut. */
  left: () => number;
  onWritten?: (count: number) => void;
};

/** One direction: a queue that gives bytes out when they are due and the rate allows it. */
function createRelay({ from, to, state, rate, left, onWritten = () => {} }: RelayOptions) {
  const held: { bytes: Buffer; dueAt: number }[] = [];
  let heldBytes = 0;
  let promisedBytes = 0;
  let hasEnded = false;
  let timer: NodeJS.Timeout | undefined;
  let tokens = 0;
  let tokensAt = performance.now();

  const maxHeldBytes = () => {
    const { delayMs = 0 } = state.faults;
    const bytesPerSecond = rate() ?? CABLE_BYTES_PER_SECOND;
    return MAX_HELD_BYTES + (delayMs === 0 ? 0 : ((delayMs + 2 * TICK_MS) / 1000) * bytesPerSecond);
  };
  const refill = (now: number) => {
    const bytesPerSecond = rate();
    const burst = Math.max((bytesPerSecond ?? 0) / 10, 1);
    tokens =
      bytesPerSecond === undefined
        ? Number.POSITIVE_INFINITY
        : Math.min(tokens + ((now - tokensAt) / 1000) * bytesPerSecond, burst);
    tokensAt = now;
  };
  const write = (bytes: Buffer) => {
    promisedBytes += bytes.length;
    to.write(bytes, (error) => {
      promisedBytes -= bytes.length;
      if (!error) onWritten(bytes.length);
    });
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (state.faults.isSilent || to.destroyed) return;
    const now = performance.now();
    refill(now);
    for (let first = held[0]; first && first.dueAt <= now; first = held[0]) {
      const count = Math.min(first.bytes.length, Math.floor(Math.min(tokens, left() - promisedBytes)));
      if (count <= 0) break;
      if (count === first.bytes.length) held.shift();
      else held[0] = { bytes: first.bytes.subarray(count), dueAt: first.dueAt };
      heldBytes -= count;
      tokens -= count;
      write(first.bytes.subarray(0, count));
    }
    if (heldBytes < maxHeldBytes() && !to.writableNeedDrain) from.resume();
    if (held[0]) timer = setTimeout(flush, Math.max(TICK_MS, held[0].dueAt - now));
    else if (hasEnded) to.end();
  };
  from.on('data', (bytes: Buffer) => {
    held.push({ bytes, dueAt: performance.now() + (state.faults.delayMs ?? 0) });
    heldBytes += bytes.length;
    if (heldBytes >= maxHeldBytes() || to.writableNeedDrain) from.pause();
    if (!timer) flush();
  });
  to.on('drain', () => !timer && flush());
  from.once('end', () => {
    hasEnded = true;
    if (!timer) flush();
  });
  return { flush, stop: () => clearTimeout(timer) };
}
