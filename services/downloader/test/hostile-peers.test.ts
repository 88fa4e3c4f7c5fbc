import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeTempDir, pickFreePort, startLibtorrentSeeder, waitFor } from '@lodestream/testing';
import { describe, expect, it } from 'vitest';
import { makeRandomFilm } from './random-film.ts';
import { extended, handshake, ID, message, sayTo, startRawPeer, uint32 } from './raw-peer.ts';
import { type RunningDownloader, startDownloader } from './start-downloader.ts';

const HASH = 'ee'.repeat(20);
/** A hang is silence: a healthy process answers its status in milliseconds, a loaded machine in tenths of a second. */
const ANSWER_TIMEOUT_MS = 3000;

const META = extended(0, 'd1:md11:ut_metadatai1eee');
const HAVE_ALL = message(ID.haveAll);

/** What a stock process dies or hangs of (webtorrent.md §8.1, security.md §13.4), and its harmless neighbours. */
const MESSAGES: [string, Buffer[]][] = [
  ['an extended handshake with a negative length', [extended(0, 'l-3:e')]],
  ['an extended handshake with a negative length in a dictionary', [extended(0, 'd-3:i1ee')]],
  ['an extended handshake nested 200,000 deep', [extended(0, 'l'.repeat(200_000))]],
  ['an extended handshake whose m has no numbers', [extended(0, 'd1:md8:toStringi1e6:ut_pexleee')]],
  ['metadata before the extended handshake', [extended(1, 'd8:msg_typei1e5:piecei0e10:total_sizei40000eexxxx')]],
  ['a metadata request before the extended handshake', [extended(1, 'd8:msg_typei0e5:piecei0ee')]],
  ['an empty metadata message', [META, extended(1, '')]],
  ['a metadata message that is a number', [META, extended(1, 'i1ee')]],
  [
    'a metadata piece out of range',
    [extended(0, 'd1:md11:ut_metadatai1ee13:metadata_sizei40000ee'), extended(1, 'd8:msg_typei1e5:piecei100000eexx')],
  ],
  [
    'a negative metadata piece',
    [extended(0, 'd1:md11:ut_metadatai1ee13:metadata_sizei40000ee'), extended(1, 'd8:msg_typei1e5:piecei-5eexx')],
  ],
  [
    'a metadata piece that is text',
    [extended(0, 'd1:md11:ut_metadatai1ee13:metadata_sizei40000ee'), extended(1, 'd8:msg_typei1e5:piece1:aexx')],
  ],
  ['a metadata size of -1', [extended(0, 'd1:md11:ut_metadatai1ee13:metadata_sizei-1ee')]],
  ['a metadata size of 10 MB', [extended(0, 'd1:md11:ut_metadatai1ee13:metadata_sizei10000000ee')]],
  ['peer exchange with a negative length', [extended(0, 'd1:md6:ut_pexi2eee'), extended(2, 'l-3:e')]],
  ['peer exchange of 7 bytes', [extended(0, 'd1:md6:ut_pexi2eee'), extended(2, 'd5:added7:1234567e')]],
  [
    'have of piece 2^30, then bitfields',
    [message(ID.have, uint32(2 ** 30)), message(ID.bitfield, 'xx'), message(ID.bitfield, 'xx')],
  ],
  ['have of piece 2^32-1', [message(ID.have, uint32(0xffff_ffff))]],
  ['a bitfield of 4 MiB', [message(ID.bitfield, Buffer.alloc(4 << 20))]],
  ['a message of 2^31-1 bytes, then a stream', [uint32(0x7fff_ffff), Buffer.alloc(16 << 20)]],
  ['a message of 2^32-1 bytes, then a stream', [uint32(0xffff_ffff), Buffer.alloc(16 << 20)]],
  ['20,000 requests', [HAVE_ALL, ...Array<Buffer>(20_000).fill(message(ID.request, uint32(0, 0, 16_384)))]],
  ['messages without a body', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 17, 20].map((id) => message(id))],
];

async function expectAlive(downloader: RunningDownloader): Promise<void> {
  const response = await downloader.fetch('/status', { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) });
  expect(response.status).toBe(200);
}

it('no message of a peer ends or hangs the process', async () => {
  await using work = await makeTempDir('work');
  await using stack = new AsyncDisposableStack();
  const greeted = new Set<string>();
  const peers = await Promise.all(
    MESSAGES.map(async ([name, messages], index) =>
      stack.use(
        await startRawPeer(HASH, `127.9.3.${index + 1}`, (socket) => {
          for (const each of messages) socket.write(each);
          greeted.add(name);
        }),
      ),
    ),
  );
  // One after another, so that a death has a name.
  for (const [index, [name]] of MESSAGES.entries()) {
    const peer = peers[index] as (typeof peers)[number];
    const options = {
      infoHash: HASH,
      workDir: work.path,
      peers: peers.slice(index, index + 8).map((each) => `${each.address}:${each.port}`),
    };
    if (index % 8 !== 0) continue;
    await using downloader = await startDownloader({ ...options, nodeArgs: ['--max-old-space-size=200'] });
    const group = MESSAGES.slice(index, index + 8).map(([each]) => each);
    await waitFor(() => group.every((each) => greeted.has(each)), { what: `${peer.port} ${name} is said`, timeoutMs: 10_000 });
    for (let look = 0; look < 6; look++) {
      await sleep(300);
      await expectAlive(downloader);
    }
  }
});

it('whoever connects may say anything, or nothing, and many may connect', async () => {
  const port = await pickFreePort('0.0.0.0');
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({ infoHash: HASH, workDir: work.path, peerPorts: [port, port] });
  const openings = [
    [Buffer.alloc(96)],
    [Buffer.alloc(96, 0xff)],
    [Buffer.alloc(200, 'A')],
    [handshake('ab'.repeat(20))],
    [handshake(HASH), extended(0, 'l-3:e')],
    [handshake(HASH), message(ID.have, uint32(2 ** 30)), message(ID.bitfield, 'x')],
    [handshake(HASH).subarray(0, 30)],
  ];
  for (const opening of openings) {
    await sayTo(port, opening, 300);
    await expectAlive(downloader);
  }
  const silent = Array.from({ length: 100 }, () => sayTo(port, [], 1500));
  await expectAlive(downloader);
  const { peers } = (await downloader.status()).swarm;
  expect(peers).toBeLessThanOrEqual(30);
  await Promise.all(silent);
});

describe('a peer that serves the metadata of a magnet', () => {
  const cases: [string, string][] = [
    ['is not bencode', 'hello'],
    ['has a negative string length', 'l-3:e'],
    ['is nested 100,000 deep', 'l'.repeat(100_000)],
    ['has a piece length that is text', `d6:lengthi1e4:name1:x12:piece length1:a6:pieces20:${'h'.repeat(20)}e`],
    ['is 2^53 bytes long', `d6:lengthi9007199254740992e4:name1:x12:piece lengthi16384e6:pieces20:${'h'.repeat(20)}e`],
    ['has 10^12 pieces', `d6:lengthi1000000000000e4:name1:x12:piece lengthi1e6:pieces20:${'h'.repeat(20)}e`],
    ['has a negative length', `d6:lengthi-1e4:name1:x12:piece lengthi16384e6:pieces20:${'h'.repeat(20)}e`],
  ];
  it.each(cases)('whose info dictionary %s: the torrent fails with a code', async (_name, text) => {
    const info = Buffer.from(text);
    const infoHash = createHash('sha1').update(info).digest('hex');
    await using peer = await startRawPeer(infoHash, '127.9.4.1', (socket, onMessage) => {
      socket.write(extended(0, `d1:md11:ut_metadatai1ee13:metadata_sizei${info.length}ee`));
      onMessage((id, body) => {
        if (id !== ID.extended || body[0] !== 1) return;
        const pieceIndex = Number(/5:piecei(\d+)e/.exec(body.toString('latin1'))?.[1] ?? 0);
        const part = info.subarray(pieceIndex * 16_384, (pieceIndex + 1) * 16_384);
        const head = `d8:msg_typei1e5:piecei${pieceIndex}e10:total_sizei${info.length}ee`;
        socket.write(extended(1, Buffer.concat([Buffer.from(head), part])));
      });
    });
    await using work = await makeTempDir('work');
    await using downloader = await startDownloader({ infoHash, workDir: work.path, peers: [`${peer.address}:${peer.port}`] });
    const status = await waitFor(
      async () => {
        const each = await downloader.status();
        return each.state === 'failed' && each;
      },
      { what: 'it fails', timeoutMs: 10_000 },
    );
    expect(status.problem?.code).toBe('invalid-torrent');
  });
});

describe('next to a good seeder', () => {
  /** Has everything, and answers every request with wrong bytes, or not at all. */
  const startLiar = (infoHash: string, address: string, doesAnswer: boolean) =>
    startRawPeer(infoHash, address, (socket, onMessage) => {
      socket.write(Buffer.concat([HAVE_ALL, message(ID.unchoke)]));
      onMessage((id, body) => {
        if (id !== ID.request || !doesAnswer) return;
        const place = body.subarray(0, 8);
        socket.write(message(ID.piece, Buffer.concat([place, Buffer.alloc(body.readUInt32BE(8), 7)])));
      });
    });

  it.each([
    ['corrupts', true],
    ['stalls', false],
  ])('a peer that %s costs little, and never a wrong byte', async (_name, doesAnswer) => {
    await using film = await makeRandomFilm(24, 256 * 1024);
    const { infoHash } = film.torrent;
    await using seeder = await startLibtorrentSeeder({
      torrent: film.torrent,
      dir: film.dir,
      address: '127.9.5.1',
      uploadBytesPerSecond: 4 << 20,
    });
    await using liar = await startLiar(infoHash, '127.9.5.2', doesAnswer);
    await using work = await makeTempDir('work');
    const peers = [liar, seeder].map((each) => `${each.address}:${each.port}`);
    await using downloader = await startDownloader({ infoHash, workDir: work.path, peers });
    const startedAt = performance.now();
    const whole = Buffer.from(await (await downloader.fetch('/files/0')).arrayBuffer());
    expect(whole.equals(film.bytes)).toBe(true);
    expect(performance.now() - startedAt).toBeLessThan(25_000);
    if (!doesAnswer) return;
    expect(downloader.stderr()).toContain('peer banned');
    expect(downloader.stderr().split('bad piece').length - 1).toBeLessThanOrEqual(6);
    const connections = liar.connections();
    await sleep(2500);
    expect(liar.connections()).toBe(connections);
  });
});
