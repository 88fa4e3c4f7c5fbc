import { createConnection } from 'node:net';
import { makeTempDir, pickFreePort, startProcess, waitFor } from '@lodestream/testing';

/** A real Redis on a loopback port of its own, which keeps nothing on disk. */
export type TestRedis = AsyncDisposable & {
  readonly url: string;
  /** Sends one inline command and gives the first line of the answer. */
  command(text: string): Promise<string>;
  /** SIGKILL; the port stays its own for the next `start`. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** SIGSTOP and SIGCONT: it is there, and says nothing. */
  freeze(): void;
  thaw(): void;
};

const READY_TIMEOUT_MS = 5000;

export async function startRedis(): Promise<TestRedis> {
  const dir = await makeTempDir('redis');
  const port = await pickFreePort();
  let redis: ReturnType<typeof startProcess> | undefined;
  const command = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = createConnection({ host: '127.0.0.1', port, timeout: 1000 }, () => socket.write(`${text}\r\n`));
      socket.once('timeout', () => socket.destroy(new Error('no answer')));
      socket.once('error', reject);
      socket.once('data', (data) => {
        socket.destroy();
        resolve(String(data).split('\r\n')[0] ?? '');
      });
    });
  const start = async () => {
    redis = startProcess('redis-server', [
      '--port',
      `${port}`,
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      dir.path,
    ]);
    await waitFor(async () => (await command('PING')) === '+PONG', { what: 'redis answers', timeoutMs: READY_TIMEOUT_MS });
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    command,
    start,
    kill: async () => {
      redis?.child.kill('SIGKILL');
      await redis?.exited;
    },
    freeze: () => void redis?.child.kill('SIGSTOP'),
    thaw: () => void redis?.child.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      await redis?.stop();
      await dir[Symbol.asyncDispose]();
    },
  };
}
