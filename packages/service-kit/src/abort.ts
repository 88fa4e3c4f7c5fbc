import type { FastifyReply } from 'fastify';

/** Aborts when the client goes away before the answer is complete, and is aborted where it has gone already. */
export function requestSignal(reply: Pick<FastifyReply, 'raw'>): AbortSignal {
  const controller = new AbortController();
  const { raw } = reply;
  const close = () => {
    if (!raw.writableFinished) controller.abort(new Error('the client went away'));
  };
  // An answer that is closed says so no second time: whoever asks later would wait for ever.
  if (raw.destroyed) close();
  else raw.once('close', close);
  return controller.signal;
}

/** Resolves after `ms`, or rejects with the signal's reason. The timer never keeps the process alive on its own. */
export function delay(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Waits for a promise no longer than the signal allows; the promise itself goes on. */
export function withSignal<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    promise.catch(() => {});
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
