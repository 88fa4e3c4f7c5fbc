import { setTimeout as sleep } from 'node:timers/promises';
import { makeTempDir, pickFreePort, startLibtorrentSeeder, startTracker, waitFor } from '@lodestream/testing';
import { expect, it } from 'vitest';
import { makeRandomFilm } from './random-film.ts';
import { ID, message, startRawPeer } from './raw-peer.ts';
import { startDownloader } from './start-downloader.ts';

const UPLOAD_SLOTS = 4;
const LEECHERS = 8;
/** webtorrent chooses anew whom it uploads to every 10 s; before that it had unchoked everybody. */
const CHOKE_ROUND_MS = 10_000;

it('four peers are uploaded to, also when all that are connected begin to want at once', async () => {
  await using film = await makeRandomFilm(4, 256 * 1024);
  const { infoHash, metainfo } = film.torrent;
  await using stack = new AsyncDisposableStack();
  const work = stack.use(await makeTempDir('work'));
  const port = await pickFreePort('0.0.0.0');
  const unchoked = new Set<string>();
  let connected = 0;
  const peers: string[] = [];
  for (let index = 0; index < LEECHERS; index++) {
    const address = `127.9.61.${index + 1}`;
    const peer = await startRawPeer(infoHash, address, (socket, onMessage) => {
      connected += 1;
      onMessage((id) => {
        if (id === ID.have) socket.write(message(ID.interested));
        if (id === ID.unchoke) unchoked.add(address);
        if (id === ID.choke) unchoked.delete(address);
      });
    });
    peers.push(`${address}:${stack.use(peer).port}`);
  }
  const downloader = stack.use(await startDownloader({ infoHash, metainfo, workDir: work.path, peers, peerPorts: [port, port] }));
  await waitFor(() => connected === LEECHERS, { what: 'all are here', timeoutMs: 20_000 });
  // A round in which nobody wants anything of us, because we have nothing.
  await sleep(CHOKE_ROUND_MS + 500);
  expect(unchoked.size).toBe(0);

  const seeder = stack.use(await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.61.99' }));
  await seeder.connect('127.0.0.1', port);
  const response = await downloader.fetch('/files/0', { signal: AbortSignal.timeout(30_000) });
  expect(Buffer.from(await response.arrayBuffer()).equals(film.bytes)).toBe(true);
  await waitFor(() => unchoked.size === UPLOAD_SLOTS, { what: 'the slots are taken', timeoutMs: 10_000 });
  // In the moment of a change one may hear of it before another.
  let looksOver = 0;
  const until = performance.now() + CHOKE_ROUND_MS + 1000;
  while (performance.now() < until) {
    looksOver = unchoked.size > UPLOAD_SLOTS ? looksOver + 1 : 0;
    expect(looksOver).toBeLessThan(3);
    await sleep(100);
  }
});

it('a peer that has never said what it has is uploaded to like others, round after round', async () => {
  await using work = await makeTempDir('work');
  const heard: number[] = [];
  await using film = await makeRandomFilm(1, 256 * 1024);
  await using peer = await startRawPeer(film.torrent.infoHash, '127.9.62.2', (socket, onMessage) => {
    onMessage((id) => void heard.push(id));
    socket.write(message(ID.interested));
  });
  await using _downloader = await startDownloader({
    infoHash: film.torrent.infoHash,
    metainfo: film.torrent.metainfo,
    workDir: work.path,
    peers: [`${peer.address}:${peer.port}`],
  });
  await waitFor(() => heard.includes(ID.unchoke), { what: 'it is unchoked', timeoutMs: 10_000 });
  await sleep(CHOKE_ROUND_MS + 500);
  expect(heard).not.toContain(ID.choke);
});

it.each(['http', 'udp'] as const)('it says goodbye to its %s tracker, and is gone with exit code 0', async (protocol) => {
  await using tracker = await startTracker(protocol);
  await using work = await makeTempDir('work');
  const infoHash = 'fa'.repeat(20);
  await using downloader = await startDownloader({ infoHash, workDir: work.path, trackers: [tracker.announceUrl] });
  await waitFor(() => tracker.peerCount(infoHash) === 1, { what: 'it has announced itself', timeoutMs: 10_000 });
  process.kill(downloader.pid, 'SIGTERM');
  expect(await downloader.exited).toBe(0);
  expect(tracker.peerCount(infoHash)).toBe(0);
});
