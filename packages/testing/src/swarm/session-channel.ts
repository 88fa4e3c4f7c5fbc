import { type RunningProcess, startProcess } from '../processes/start-process.ts';

const ANSWER_TIMEOUT_MS = 10_000;

/** A client that runs as a program of ours and is told what to do by lines of JSON. */
export type SessionChannel = {
  process: RunningProcess;
  send(message: object): void;
  ask(op: string, details?: object): Promise<object>;
};

/** Starts such a program; `name` is what errors call it. */
export function openSessionChannel(name: string, command: string, args: readonly string[]): SessionChannel {
  const waiting = new Map<number, (answer: object) => void>();
  let lastId = 0;
  const peer = startProcess(command, args, {
    onLine: (line) => {
      if (!line.startsWith('{')) return;
      const answer = JSON.parse(line) as { id: number };
      waiting.get(answer.id)?.(answer);
      waiting.delete(answer.id);
    },
  });
  const send = (message: object) => void peer.child.stdin?.write(`${JSON.stringify(message)}\n`);
  const ask = (op: string, details: object = {}) => {
    const id = ++lastId;
    return new Promise<object>((resolve, reject) => {
      const fail = (why: string) => {
        waiting.delete(id);
        clearTimeout(timer);
        reject(new Error(`${name} ${why} (${op}):\n${peer.tail()}`));
      };
      const timer = setTimeout(() => fail('did not answer'), ANSWER_TIMEOUT_MS);
      waiting.set(id, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      void peer.exited.then(() => waiting.has(id) && fail('has ended'));
      send({ id, op, ...details });
    });
  };
  return { process: peer, send, ask };
}
