import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { makeTempDir, pickFreePort, startLibtorrentSeeder } from '@lodestream/testing';
import { expect, it } from 'vitest';
import { attack, expectAlive, peakMemoryBytes, RSS_MAX_BYTES } from '../hostile/attack.ts';
import { HTTP_ANSWERS } from '../hostile/http-answers.ts';
import { PEER_MESSAGES } from '../hostile/peer-messages.ts';
import { UDP_PACKETS } from '../hostile/udp-packets.ts';
import { websocketMessages } from '../hostile/websocket-messages.ts';
import { startWebSocketServer } from '../hostile/websocket-server.ts';
import { createRandom, makeRandomFilm } from '../random-film.ts';
import { startDownloader } from '../start-downloader.ts';
import { type Holdings, inspectProcess } from './inspect-process.ts';

/** A minute here; `npm run test:soak` takes half an hour. */
const SECONDS = Number(process.env.LODESTREAM_SOAK_SECONDS ?? 60);
/** The first part warms up: code is compiled, tables and pools get their size. */
const SAMPLES = 12;
const LATE_PER_EARLY_MAX = 1.25;
/** Single objects come and go between two looks. */
const COUNT_SLACK = 40;
const BYTES_SLACK = 6 * 1024 * 1024;
const READ_MAX_BYTES = 600_000;
const BUDGET_BYTES = 12 * 1024 * 1024;
const MIB = 1024 * 1024;

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

it('hostile peers, trackers and packets beside a viewer leave nothing behind in the process', {
  timeout: (2 * SECONDS + 300) * 1000,
}, async () => {
  await using film = await makeRandomFilm(24, 256 * 1024);
  const { infoHash } = film.torrent;
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.51.1' });
  const random = createRandom(7);
  const any = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const answers = Object.values(HTTP_ANSWERS);
  const tracker = createServer((_request, response) => void any(answers)(response));
  tracker.listen(0, '127.0.0.1');
  await once(tracker, 'listening');
  await using stack = new AsyncDisposableStack();
  stack.defer(() => {
    tracker.closeAllConnections();
    tracker.close();
  });
  const says = Object.values(websocketMessages(infoHash));
  const websocket = stack.use(
    await startWebSocketServer('127.0.0.1', (socket) => void any(says).forEach((each) => socket.write(each))),
  );
  const udp = createSocket('udp4');
  udp.bind(0, '127.0.0.1');
  await once(udp, 'listening');
  stack.defer(() => void udp.close());

  const [port, inspectorPort] = [await pickFreePort('0.0.0.0'), await pickFreePort()];
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({
    infoHash,
    workDir: work.path,
    peers: [`${seeder.address}:${seeder.port}`],
    peerPorts: [port, port],
    // Less than the film: pieces are evicted and fetched again for the whole time.
    diskBudgetBytes: BUDGET_BYTES,
    trackers: [`http://127.0.0.1:${(tracker.address() as { port: number }).port}/announce`, websocket.url],
    dhtBootstrap: [`127.0.0.1:${udp.address().port}`],
    nodeArgs: [`--inspect=127.0.0.1:${inspectorPort}`],
  });
  using inspector = await inspectProcess(downloader.pid, inspectorPort);
  const cases = Object.values(PEER_MESSAGES).flat();
  const packets = Object.values(UDP_PACKETS);
  const samples: Holdings[] = [];
  const startedAt = performance.now();
  let reads = 0;
  let attacks = 0;
  while (samples.length < SAMPLES) {
    const start = Math.floor(random() * (film.bytes.length - READ_MAX_BYTES));
    const end = start + 1 + Math.floor(random() * READ_MAX_BYTES);
    const hostile = any(cases);
    const [bytes] = await Promise.all([
      downloader.read(0, start, end),
      attack(port, infoHash, hostile).catch(() => {}),
      attack(port, infoHash, any(cases)).catch(() => {}),
      ...Array.from({ length: 5 }, () => udp.send(Buffer.from(any(packets), 'latin1'), port, '127.0.0.1')),
    ]);
    expect(bytes.equals(film.bytes.subarray(start, end))).toBe(true);
    reads += 1;
    attacks += 2;
    if (performance.now() - startedAt > ((samples.length + 1) * SECONDS * 1000) / SAMPLES) {
      await expectAlive(downloader, hostile.name);
      samples.push(await inspector.measure());
    }
  }
  const early = samples.slice(SAMPLES / 3, (2 * SAMPLES) / 3);
  const late = samples.slice((2 * SAMPLES) / 3);
  const report: Record<string, string> = {};
  for (const name of Object.keys(samples[0] ?? {}) as (keyof Holdings)[]) {
    const [before, after] = [median(early.map((each) => each[name])), median(late.map((each) => each[name]))];
    report[name] = name.endsWith('Bytes')
      ? `${(before / MIB).toFixed(1)} → ${(after / MIB).toFixed(1)} MiB`
      : `${before} → ${after}`;
  }
  console.info(
    `soak of ${SECONDS} s: ${reads} reads, ${attacks} attacks, peak ${(peakMemoryBytes(downloader.pid) / MIB).toFixed(0)} MiB`,
    report,
  );
  for (const name of Object.keys(samples[0] ?? {}) as (keyof Holdings)[]) {
    const slack = name.endsWith('Bytes') ? BYTES_SLACK : COUNT_SLACK;
    const [before, after] = [median(early.map((each) => each[name])), median(late.map((each) => each[name]))];
    expect([name, before, after, after <= before * LATE_PER_EARLY_MAX + slack]).toEqual([name, before, after, true]);
  }
  expect(peakMemoryBytes(downloader.pid)).toBeLessThan(RSS_MAX_BYTES);
  expect(downloader.stderr()).not.toContain('MaxListenersExceededWarning');
});
