import { fileURLToPath } from 'node:url';
import { startProcess } from '../processes/start-process.ts';

const SCRIPT = fileURLToPath(new URL('./packet_log.py', import.meta.url));
const ANSWER_TIMEOUT_MS = 10_000;

/** Packets that went to an address; `protocol` is `tcp`, `udp` or the number of another. */
export type PacketsTo = { address: string; protocol: string; port: number; count: number };

export type PacketLog = AsyncDisposable & { list(): Promise<PacketsTo[]> };

/**
 * Notes the destination of every packet of this network namespace, on all interfaces, from now on. Only root of a namespace
 * may: use it inside of `runInNamespace`.
 */
export async function startPacketLog(): Promise<PacketLog> {
  let next = Promise.withResolvers<{ packets: PacketsTo[] }>();
  const log = startProcess('/usr/bin/python3', [SCRIPT], {
    onLine: (line) => {
      if (!line.startsWith('{')) return;
      const { resolve } = next;
      next = Promise.withResolvers();
      resolve(JSON.parse(line) as { packets: PacketsTo[] });
    },
  });
  const answer = async () => {
    const timeout = Promise.withResolvers<never>();
    const timer = setTimeout(() => timeout.reject(new Error(`the packet log is silent:\n${log.tail()}`)), ANSWER_TIMEOUT_MS);
    try {
      return await Promise.race([next.promise, timeout.promise]);
    } finally {
      clearTimeout(timer);
    }
  };
  await answer();
  return {
    list: async () => {
      const answered = answer();
      log.child.stdin?.write('list\n');
      return (await answered).packets;
    },
    [Symbol.asyncDispose]: () => log.stop(),
  };
}
