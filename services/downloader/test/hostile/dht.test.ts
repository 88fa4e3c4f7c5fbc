import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { makeTempDir, pickFreePort } from '@lodestream/testing';
import { expect, it } from 'vitest';
import { startDownloader } from '../start-downloader.ts';
import { expectAlive } from './attack.ts';
import { UDP_PACKETS } from './udp-packets.ts';

const HASH = 'ec'.repeat(20);
const PONG_TIMEOUT_MS = 10_000;
/** More than a depth that is never counted down again allows. */
const SIBLINGS = 150;

async function bind(): Promise<Socket & AsyncDisposable> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return Object.assign(socket, { [Symbol.asyncDispose]: async () => void socket.close() });
}

/** The bytes of an answer to a ping (BEP 5), or undefined when none came. */
async function ping(socket: Socket, port: number, transaction: string, more = ''): Promise<string | undefined> {
  const signal = AbortSignal.timeout(PONG_TIMEOUT_MS);
  socket.send(
    Buffer.from(`d1:ad2:id20:${'j'.repeat(20)}e1:q4:ping1:t2:${transaction}1:y1:q${more}e`, 'latin1'),
    port,
    '127.0.0.1',
  );
  try {
    for (;;) {
      const [packet] = (await once(socket, 'message', { signal })) as [Buffer];
      const text = packet.toString('latin1');
      if (text.includes(`1:t2:${transaction}`)) return text;
    }
  } catch {
    return undefined;
  }
}

it('no packet to the port of the DHT and of uTP ends or hangs the process, or makes the DHT deaf', async () => {
  await using work = await makeTempDir('work');
  await using socket = await bind();
  const port = await pickFreePort('0.0.0.0');
  await using downloader = await startDownloader({
    infoHash: HASH,
    workDir: work.path,
    dhtBootstrap: [`127.0.0.1:${socket.address().port}`],
    peerPorts: [port, port],
    nodeArgs: ['--max-old-space-size=150'],
  });
  for (const [index, [name, packet]] of Object.entries(UDP_PACKETS).entries()) {
    socket.send(Buffer.from(packet, 'latin1'), port, '127.0.0.1');
    await expectAlive(downloader, name);
    expect([name, await ping(socket, port, String(10 + index))]).toEqual([name, expect.stringContaining('1:y1:r')]);
  }
  const siblings = `1:z l${'de'.repeat(SIBLINGS)}${'le'.repeat(SIBLINGS)}e`.replace(' ', '');
  expect(await ping(socket, port, 'zz', siblings)).toContain('1:y1:r');
});

it('a node that answers our questions with nonsense ends nothing', async () => {
  await using work = await makeTempDir('work');
  await using socket = await bind();
  const bodies = [
    '1:rd2:id20:iiiiiiiiiiiiiiiiiiii5:nodes7:1234567e',
    '1:rd2:id20:iiiiiiiiiiiiiiiiiiii5:nodesd6:lengthi2000000000eee',
    '1:rd2:id20:iiiiiiiiiiiiiiiiiiii6:valuesi1ee',
    '1:rd2:id20:iiiiiiiiiiiiiiiiiiii6:valuesli1ed6:lengthi2000000000eeee',
    '1:rd2:id20:iiiiiiiiiiiiiiiiiiii5:tokeni1ee',
    '1:rd2:idi1ee',
    '1:ri1e',
    '1:rle',
    '1:ei1e',
    '1:elli1eee',
  ];
  let answered = 0;
  socket.on('message', (packet: Buffer, from) => {
    const text = packet.toString('latin1');
    const at = text.indexOf('1:t2:');
    if (at === -1) return;
    const body = bodies[answered++ % bodies.length] as string;
    const kind = body.startsWith('1:e') ? 'e' : 'r';
    socket.send(
      Buffer.concat([Buffer.from(`d${body}1:t2:`, 'latin1'), packet.subarray(at + 5, at + 7), Buffer.from(`1:y1:${kind}e`)]),
      from.port,
      from.address,
    );
  });
  const starts = bodies.length;
  for (let start = 0; answered < starts && start < starts; start++) {
    await using downloader = await startDownloader({
      infoHash: HASH,
      workDir: work.path,
      // Several names of one node: each is asked.
      dhtBootstrap: Array.from({ length: 12 }, (_, index) => `127.0.0.${index + 1}:${socket.address().port}`),
    });
    await expectAlive(downloader, 'answers of the DHT');
  }
});
