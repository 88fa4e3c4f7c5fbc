/** Others are dialled first: a healthy peer is connected and asked by then. */
const FIRST_RELEASE_MS = 500;
/** One after the other, so that the next crash has fewer suspects. */
const RELEASE_EVERY_MS = 200;

/**
 * Keeps suspects from being dialled before everybody else, whoever names them (magnet, tracker, DHT, another peer). They
 * are let through one by one, the youngest last: the only seeder of a torrent is a suspect too.
 */
export type SuspectGate = Disposable & {
  /** True: not now; it will be dialled in its turn. */
  holds(address: string): boolean;
};

export function createSuspectGate(suspects: readonly string[], dial: (address: string) => void): SuspectGate {
  const held = new Set(suspects);
  let timer = held.size > 0 ? setTimeout(releaseNext, FIRST_RELEASE_MS) : undefined;

  function releaseNext(): void {
    const [next] = held;
    if (next === undefined) return;
    held.delete(next);
    dial(next);
    timer = setTimeout(releaseNext, RELEASE_EVERY_MS);
  }

  return {
    holds: (address) => held.has(address),
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}
