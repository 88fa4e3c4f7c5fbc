import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { pickLoopbackAddress, startFaultProxy, startLibtorrentSeeder, startSeeder, type TestTorrent } from '@lodestream/testing';
import { type Peer, readWithCurl, startConnectedDownloader } from './measure/leech.ts';
import type { Effort, Measure, MeasureResult } from './measure/result.ts';
import { makeSparseTorrent } from './measure/sparse-torrent.ts';
import { median } from './measure/statistics.ts';

const MIB = 1024 ** 2;
const LINE = { delayMs: 25, downBytesPerSecond: 10_000_000 };
const LINE_BYTES = 64 * MIB;
const TARGETS = { transmission: 0.9, libtorrent: 0.95 } as const;
const FAR = { fileBytes: 1024 * MIB, readBytes: 64 * 1024, loadBytes: 512 * MIB, delayMs: 25, target: 3, peers: 3 };

/** Behind a line of 10 MB/s and 25 ms each way: how much of it one seeder's data fills; and far reads behind 25 ms alone. */
export const downloaderLine: Measure = { name: 'downloader-line', run };

async function run({ isQuick }: Effort): Promise<MeasureResult> {
  const count = isQuick ? 2 : 10;
  const rates = await measureLine(count);
  const line = median(rates.line);
  const far = await measureFarReads(isQuick ? 5 : 10);
  const [idle, load] = [median(far.idle), median(far.load)];
  return {
    ratios: [
      ...(['transmission', 'libtorrent'] as const).map((client) => {
        const rate = median(rates[client]);
        return {
          measure: `one ${client} seeder behind a line of 10 MB/s and 25 ms each way, 1 MiB pieces`,
          ours: `${rate.toFixed(2)} MB/s`,
          floor: `${line.toFixed(2)} MB/s, bare TCP`,
          ratio: rate / line,
          target: `≥ ${TARGETS[client]}`,
          isMet: rate / line >= TARGETS[client],
        };
      }),
      {
        measure: 'far read while another reads on, 3 libtorrent seeders behind 25 ms each way',
        ours: `${load.toFixed(0)} ms`,
        floor: `${idle.toFixed(0)} ms, idle`,
        ratio: load / idle,
        target: `≤ ${FAR.target}`,
        isMet: load / idle <= FAR.target,
      },
    ],
  };
}

async function measureLine(count: number) {
  await using film = await makeSparseTorrent(LINE_BYTES + 2 * MIB, MIB);
  const rates = { line: [] as number[], transmission: [] as number[], libtorrent: [] as number[] };
  await using transmission = await startSeeder({ client: 'transmission', torrent: film.torrent, dir: film.dir });
  await using libtorrent = await startSeeder({ client: 'libtorrent', torrent: film.torrent, dir: film.dir });
  for (let turn = 0; turn < count; turn++) {
    rates.line.push(await bareRate());
    rates.transmission.push(await rateFrom(film.torrent, transmission));
    rates.libtorrent.push(await rateFrom(film.torrent, libtorrent));
  }
  return rates;
}

/** MB/s of a read of 64 MiB, from its request to its end. */
async function rateFrom(torrent: TestTorrent, seeder: Peer): Promise<number> {
  // transmission refuses an address that came and went.
  await using proxy = await startFaultProxy({ target: seeder, localAddress: pickLoopbackAddress(), faults: LINE });
  await using downloader = await startConnectedDownloader(torrent, [proxy]);
  // The seeder has let us ask: transmission does that at its rounds of 10 s.
  await downloader.read(0, torrent.lengthBytes - 1, torrent.lengthBytes);
  return LINE_BYTES / (await readWithCurl(downloader, 0, LINE_BYTES)) / 1000;
}

/** MB/s of a TCP connection through such a line that has nothing to do but to send. */
async function bareRate(): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(Buffer.alloc(LINE_BYTES));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  try {
    await using proxy = await startFaultProxy({ target: { address: '127.0.0.1', port }, faults: LINE });
    const startedAt = performance.now();
    const socket = connect(proxy.port, proxy.address);
    socket.resume();
    await once(socket, 'end');
    return LINE_BYTES / (performance.now() - startedAt) / 1000;
  } finally {
    server.close();
  }
}

/** Milliseconds until 64 KiB of a piece that is not here have come, each somewhere else. */
async function measureFarReads(count: number): Promise<{ idle: number[]; load: number[] }> {
  await using film = await makeSparseTorrent(FAR.fileBytes, MIB);
  await using stack = new AsyncDisposableStack();
  const peers: Peer[] = [];
  for (let index = 0; index < FAR.peers; index++) {
    const seeder = stack.use(
      await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: pickLoopbackAddress() }),
    );
    peers.push(
      stack.use(await startFaultProxy({ target: seeder, address: pickLoopbackAddress(), faults: { delayMs: FAR.delayMs } })),
    );
  }
  const downloader = stack.use(await startConnectedDownloader(film.torrent, peers));
  // Behind what the load reads, and behind what the read before fetched.
  const step = Math.floor((FAR.fileBytes - FAR.loadBytes - 64 * MIB) / (2 * count) / MIB) * MIB;
  let place = FAR.loadBytes + 64 * MIB;
  const readFar = async () => {
    const startedAt = performance.now();
    await downloader.read(0, place, place + FAR.readBytes);
    place += step;
    return performance.now() - startedAt;
  };
  await readFar();
  const idle: number[] = [];
  while (idle.length < count) idle.push(await readFar());
  const load: number[] = [];
  let isOver = false;
  const reading = readWithCurl(downloader, 0, FAR.loadBytes).finally(() => {
    isOver = true;
  });
  while (load.length < count - 1 && !isOver) load.push(await readFar());
  await reading;
  return { idle, load };
}
