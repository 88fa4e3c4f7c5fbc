type Waiter = { resolve: () => void; reject: (error: unknown) => void };

/** Who waits for which piece: one table, and no listener per reader. A waiter leaves it in the same tick as it is aborted. */
export function createPieceWaiters() {
  const waiters = new Map<number, Set<Waiter>>();

  function take(pieceIndex: number): Iterable<Waiter> {
    const taken = waiters.get(pieceIndex) ?? [];
    waiters.delete(pieceIndex);
    return taken;
  }

  return {
    /** Resolves by `resolve`, rejects by `reject` or with the signal's reason. */
    wait(pieceIndex: number, signal: AbortSignal): Promise<void> {
      if (signal.aborted) return Promise.reject(signal.reason);
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          const waiting = waiters.get(pieceIndex);
          waiting?.delete(waiter);
          if (waiting?.size === 0) waiters.delete(pieceIndex);
          reject(signal.reason);
        };
        const settle = () => signal.removeEventListener('abort', onAbort);
        const waiter: Waiter = {
          resolve: () => {
            settle();
            resolve();
          },
          reject: (error) => {
            settle();
            reject(error);
          },
        };
        const waiting = waiters.get(pieceIndex) ?? new Set();
        waiters.set(pieceIndex, waiting.add(waiter));
        signal.addEventListener('abort', onAbort, { once: true });
      });
    },
    resolve(pieceIndex: number): void {
      for (const waiter of take(pieceIndex)) waiter.resolve();
    },
    rejectAll(error: unknown): void {
      for (const pieceIndex of [...waiters.keys()]) for (const waiter of take(pieceIndex)) waiter.reject(error);
    },
  };
}
