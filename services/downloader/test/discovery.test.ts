import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  createTorrent,
  type LibtorrentPeer,
  makeTempDir,
  startLibtorrentPeer,
  startLibtorrentSeeder,
  startTracker,
  type TestTorrent,
  waitFor,
} from '@lodestream/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeRandomFilm, type RandomFilm } from './random-film.ts';
import { extended, ID, message, startRawPeer } from './raw-peer.ts';
import { type RunningDownloader, type StartOptions, startDownloader } from './start-downloader.ts';

/** A magnet's way, with its search and its metadata, beside whatever else the machine does. */
const FIND_TIMEOUT_MS = 30_000;

let film: RandomFilm;
beforeAll(async () => {
  film = await makeRandomFilm(2, 64 * 1024);
});
afterAll(() => film[Symbol.asyncDispose]());

/** A magnet that names the film and nobody who has it, but for what is given. */
async function expectFilmBy(options: Partial<StartOptions>): Promise<void> {
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({ infoHash: film.torrent.infoHash, workDir: work.path, ...options });
  await expectWholeFilm(downloader);
}

async function expectWholeFilm(downloader: RunningDownloader): Promise<void> {
  const response = await downloader.fetch('/files/0', { signal: AbortSignal.timeout(FIND_TIMEOUT_MS) });
  expect(Buffer.from(await response.arrayBuffer()).equals(film.bytes)).toBe(true);
}

it.each(['http', 'udp'] as const)('a magnet finds its only seeder by its %s tracker', async (protocol) => {
  await using tracker = await startTracker(protocol);
  const torrent = await createTorrent({
    dir: film.dir,
    name: film.torrent.name,
    pieceLengthBytes: film.torrent.pieceLengthBytes,
    trackers: [tracker.announceUrl],
  });
  await using _seeder = await startLibtorrentSeeder({ torrent, dir: film.dir, address: '127.9.31.1' });
  await tracker.waitForSeeders(torrent.infoHash);
  await expectFilmBy({ trackers: [tracker.announceUrl] });
  // Taken for a seeder, because it does not know yet how much is left, it would be told of no seeders.
  expect([tracker.peerCount(torrent.infoHash), tracker.seederCount(torrent.infoHash)]).toEqual([2, 1]);
});

/** Real clients that know each other, and a seeder that has announced itself to them. */
async function startDht(stack: AsyncDisposableStack, torrent: TestTorrent): Promise<LibtorrentPeer[]> {
  const other = stack.use(await makeRandomFilm(1, 64 * 1024, 'other.mkv'));
  const nodes: LibtorrentPeer[] = [];
  for (const address of ['127.9.32.1', '127.9.32.2', '127.9.32.3', '127.9.32.4']) {
    const dhtBootstrap = nodes.map((each) => `${each.address}:${each.port}`);
    nodes.push(stack.use(await startLibtorrentPeer({ torrent: other.torrent, dir: other.dir, address, dhtBootstrap })));
  }
  const dhtBootstrap = nodes.map((each) => `${each.address}:${each.port}`);
  const seeder = stack.use(await startLibtorrentSeeder({ torrent, dir: film.dir, address: '127.9.32.9', dhtBootstrap }));
  await waitFor(
    async () => {
      await seeder.announceToDht();
      const statuses = await Promise.all(nodes.map((node) => node.status()));
      return statuses.some((status) => status.dhtAnnounces.includes(torrent.infoHash));
    },
    { what: 'the seeder has announced itself', timeoutMs: 30_000, intervalMs: 500 },
  );
  return nodes;
}

it('a magnet without trackers finds its only seeder by a DHT of real clients', async () => {
  await using stack = new AsyncDisposableStack();
  const [node] = (await startDht(stack, film.torrent)) as [LibtorrentPeer];
  await expectFilmBy({ dhtBootstrap: [`${node.address}:${node.port}`] });
});

it('a magnet finds its only seeder by a peer that knows it', async () => {
  await using seeder = await startLibtorrentSeeder({ torrent: film.torrent, dir: film.dir, address: '127.9.33.1', hasPex: true });
  await using empty = await makeTempDir('empty');
  // It has nothing itself, and wants nothing.
  await using friend = await startLibtorrentPeer({
    torrent: film.torrent,
    dir: empty.path,
    address: '127.9.33.2',
    uploadOnly: true,
    hasPex: true,
    peers: [seeder],
  });
  await waitFor(async () => (await friend.status()).peers > 0, { what: 'they know each other', timeoutMs: 10_000 });
  await expectFilmBy({ peers: [`${friend.address}:${friend.port}`] });
});

/** Serves the metadata of a magnet, and then says by PEX that it knows `canary`. */
const startGossip = (torrent: TestTorrent, address: string, canary: Buffer, isTime: () => Promise<unknown>) =>
  startRawPeer(torrent.infoHash, address, (socket, onMessage) => {
    socket.write(extended(0, `d1:md11:ut_metadatai1e6:ut_pexi2ee13:metadata_sizei${torrent.info.length}ee`));
    let theirMetadataId = 0;
    let theirPexId = 0;
    onMessage((id, body) => {
      if (id !== ID.extended) return;
      const text = body.subarray(1).toString('latin1');
      if (body[0] === 0) {
        theirMetadataId = Number(/11:ut_metadatai(\d+)e/.exec(text)?.[1] ?? 0);
        theirPexId = Number(/6:ut_pexi(\d+)e/.exec(text)?.[1] ?? 0);
        const gossip = () => {
          socket.write(extended(theirPexId, Buffer.concat([Buffer.from('d5:added6:'), canary, Buffer.from('e')])));
          socket.write(message(ID.haveAll));
        };
        // It fails when the test itself has failed before.
        isTime().then(gossip, () => {});
      } else if (body[0] === 1 && text.includes('8:msg_typei0e')) {
        const head = `d8:msg_typei1e5:piecei0e10:total_sizei${torrent.info.length}ee`;
        socket.write(extended(theirMetadataId, Buffer.concat([Buffer.from(head), torrent.info])));
      }
    });
  });

it.each([
  ['a public torrent: its peers are heard, the DHT is asked', false],
  ['a private torrent: neither (BEP 27)', true],
])('%s', async (_name, isPrivate) => {
  const torrent = await createTorrent({ dir: film.dir, name: film.torrent.name, pieceLengthBytes: 256 * 1024, isPrivate });
  await using stack = new AsyncDisposableStack();
  const canary = stack.use(await startRawPeer(torrent.infoHash, '127.9.34.1', () => {}));
  const compact = Buffer.from([127, 9, 34, 1, canary.port >> 8, canary.port & 0xff]);
  const bootstrap = createSocket('udp4');
  let questions = 0;
  bootstrap.on('message', () => {
    questions += 1;
  });
  bootstrap.bind(0, '127.0.0.1');
  await once(bootstrap, 'listening');
  stack.defer(() => void bootstrap.close());

  let isHere = false;
  const gossip = stack.use(
    await startGossip(torrent, '127.9.34.2', compact, () =>
      waitFor(() => isHere, { what: 'the metadata is there', timeoutMs: FIND_TIMEOUT_MS }),
    ),
  );
  await using work = await makeTempDir('work');
  await using uploaded = await startDownloader({
    infoHash: torrent.infoHash,
    metainfo: torrent.metainfo,
    workDir: work.path,
    dhtBootstrap: [`127.0.0.1:${bootstrap.address().port}`],
  });
  await using other = await makeTempDir('work');
  await using magnet = await startDownloader({
    infoHash: torrent.infoHash,
    workDir: other.path,
    peers: [`${gossip.address}:${gossip.port}`],
  });
  await waitFor(async () => (await magnet.status()).state === 'ready', { what: 'the magnet is resolved', timeoutMs: 10_000 });
  isHere = true;
  if (isPrivate) {
    // What the public one does within a second.
    await sleep(3000);
    expect([canary.connections(), questions, (await uploaded.status()).state]).toEqual([0, 0, 'ready']);
  } else {
    await waitFor(() => canary.connections() > 0 && questions > 0, { what: 'both are used', timeoutMs: 10_000 });
  }
});
