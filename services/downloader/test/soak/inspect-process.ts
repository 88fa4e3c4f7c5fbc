import { readdirSync } from 'node:fs';
import { waitFor } from '@lodestream/testing';

/** All objects of a process are looked at, on a machine that others use too. */
const CALL_TIMEOUT_MS = 90_000;
const OPEN_TIMEOUT_MS = 30_000;

/** What a process holds on to after everything that can go has gone. */
export type Holdings = {
  heapBytes: number;
  /** Buffers, outside of the heap. */
  bufferBytes: number;
  /** Sockets, timers, servers: whatever keeps its loop turning. */
  resources: number;
  openFiles: number;
  emitters: number;
  listeners: number;
};

export type Inspector = Disposable & { measure(): Promise<Holdings> };

const MEMORY =
  '(() => { const { heapUsed, external } = process.memoryUsage(); return { heapUsed, external, resources: process.getActiveResourcesInfo().length } })()';
const EMITTER = "process.getBuiltinModule('node:events').EventEmitter.prototype";
/** Runs inside of the process, on the array of all its emitters. */
const COUNT_LISTENERS = `function () {
  const count = (events) => Reflect.ownKeys(events ?? {}).reduce((sum, name) => sum + [events[name]].flat().length, 0)
  return { emitters: this.length, listeners: this.reduce((sum, each) => sum + count(each._events), 0) }
}`;

/** Looks into a process that was started with `--inspect=127.0.0.1:PORT`, over the protocol of V8's inspector. */
export async function inspectProcess(pid: number, port: number): Promise<Inspector> {
  const targets = await waitFor(
    async () => (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { webSocketDebuggerUrl: string }[],
    { what: 'the inspector answers', timeoutMs: OPEN_TIMEOUT_MS },
  );
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '');
  const waiting = new Map<number, (message: { result?: unknown; error?: { message: string } }) => void>();
  let lastId = 0;
  socket.addEventListener('message', ({ data }) => {
    const message = JSON.parse(String(data));
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve(), { once: true });
    socket.addEventListener('error', () => reject(new Error('no connection to the inspector')), { once: true });
  });

  function call<T>(method: string, params: object = {}): Promise<T> {
    const id = ++lastId;
    return new Promise<T>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method} is not answered`)), CALL_TIMEOUT_MS);
      waiting.set(id, ({ result, error }) => {
        clearTimeout(timer);
        if (error) reject(new Error(error.message));
        else resolve(result as T);
      });
      socket.send(JSON.stringify({ id, method, params }));
    });
  }

  return {
    async measure() {
      await call('HeapProfiler.collectGarbage');
      type Evaluated<T> = { result: { value: T; objectId: string } };
      const memory = await call<Evaluated<{ heapUsed: number; external: number; resources: number }>>('Runtime.evaluate', {
        expression: MEMORY,
        returnByValue: true,
      });
      const prototype = await call<Evaluated<never>>('Runtime.evaluate', { expression: EMITTER, objectGroup: 'soak' });
      const { objects } = await call<{ objects: { objectId: string } }>('Runtime.queryObjects', {
        prototypeObjectId: prototype.result.objectId,
        objectGroup: 'soak',
      });
      const counted = await call<Evaluated<{ emitters: number; listeners: number }>>('Runtime.callFunctionOn', {
        objectId: objects.objectId,
        functionDeclaration: COUNT_LISTENERS,
        returnByValue: true,
      });
      await call('Runtime.releaseObjectGroup', { objectGroup: 'soak' });
      const { heapUsed, external, resources } = memory.result.value;
      const openFiles = readdirSync(`/proc/${pid}/fd`).length;
      return { heapBytes: heapUsed, bufferBytes: external, resources, openFiles, ...counted.result.value };
    },
    [Symbol.dispose]: () => socket.close(),
  };
}
