import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeTempDir, pickFreePort, waitFor } from '@lodestream/testing';
import { describe, expect, it } from 'vitest';
import { extended, ID, type MessageListener, startRawPeer } from '../raw-peer.ts';
import { startDownloader } from '../start-downloader.ts';
import { attack, greet, peakMemoryBytes, RSS_MAX_BYTES } from './attack.ts';
import { serveMetadata } from './serve-metadata.ts';

const VERDICT_TIMEOUT_MS = 20_000;
const SETTLE_MS = 1000;
/** Real ones are 2 MB at most. */
const METADATA_MAX = 8 * 1024 * 1024;

const HASH_OF_ONE = `6:pieces20:${'h'.repeat(20)}`;
const one = (length: string, pieceLength: string, rest = HASH_OF_ONE) =>
  `d6:length${length}4:name1:x12:piece length${pieceLength}${rest}e`;
const GOOD = Buffer.from(one('i9e', 'i16384e'));

/** The hash is right, what it is of is not (webtorrent.md §8.2). */
const BAD_INFOS: [string, string, string?][] = [
  ['is not bencode', 'hello'],
  ['is a list', 'le'],
  ['is cut short', 'd6:length'],
  ['has a negative string length', 'l-3:e'],
  ['is nested 100,000 deep', 'l'.repeat(100_000)],
  ['has half a million lists', `l${'le'.repeat(500_000)}e`],
  ['has a piece length that is text', one('i1e', '1:a')],
  ['has a piece length of 0', one('i1e', 'i0e')],
  ['has a negative piece length', one('i1e', 'i-16384e')],
  ['has a piece length of 2^50', one('i1e', 'i1125899906842624e'), 'torrent-too-large'],
  ['is 2^53 bytes long', one('i9007199254740992e', 'i16384e')],
  ['has 10^12 pieces', one('i1000000000000e', 'i1e')],
  ['has a negative length', one('i-1e', 'i16384e')],
  ['has too few hashes', one('i99999e', 'i16384e')],
  ['has too many hashes', one('i1e', 'i16384e', `6:pieces60:${'h'.repeat(60)}`)],
  ['has half a hash', one('i1e', 'i16384e', '6:pieces10:hhhhhhhhhh')],
  ['has files that are no list', `d5:filesi1e4:name1:x12:piece lengthi16384e${HASH_OF_ONE}e`],
  ['has a file of a negative length', `d5:filesld6:lengthi-5e4:pathl1:aeee4:name1:x12:piece lengthi16384e${HASH_OF_ONE}e`],
  ['is of version 2 alone', `d9:file treede12:meta versioni2e4:name1:x12:piece lengthi16384ee`, 'torrent-v2-only'],
];

const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex');
const addressOf = (peer: { address: string; port: number }) => `${peer.address}:${peer.port}`;

describe('a peer that serves the metadata of a magnet', () => {
  it.each(BAD_INFOS)('whose info dictionary %s: the torrent fails with a code', async (_name, text, code = 'invalid-torrent') => {
    const info = Buffer.from(text);
    const infoHash = sha1(info);
    await using peer = await startRawPeer(infoHash, '127.9.4.1', (socket, onMessage) => serveMetadata(socket, onMessage, info));
    await using work = await makeTempDir('work');
    const options = { infoHash, workDir: work.path, peers: [addressOf(peer)], nodeArgs: ['--max-old-space-size=200'] };
    await using downloader = await startDownloader(options);
    const status = await waitFor(
      async () => {
        const each = await downloader.status();
        return each.state !== 'resolving' && each;
      },
      { what: 'it fails', timeoutMs: VERDICT_TIMEOUT_MS },
    );
    expect(status).toMatchObject({ state: 'failed', problem: { code } });
    expect(peakMemoryBytes(downloader.pid)).toBeLessThan(RSS_MAX_BYTES);
  });

  it('whose file names are an attack: they are shown as harmless text', async () => {
    const parts = ['..', '../../x\u0000y\u001b', 'a\u202egpj.exe'].map((part) => `${Buffer.byteLength(part)}:${part}`);
    const info = Buffer.from(`d5:filesld6:lengthi9e4:pathl${parts.join('')}eee4:name4:../.12:piece lengthi16384e${HASH_OF_ONE}e`);
    const infoHash = sha1(info);
    await using peer = await startRawPeer(infoHash, '127.9.4.2', (socket, onMessage) => serveMetadata(socket, onMessage, info));
    await using work = await makeTempDir('work');
    await using downloader = await startDownloader({ infoHash, workDir: work.path, peers: [addressOf(peer)] });
    const isReady = async () => (await downloader.status()).state === 'ready';
    await waitFor(isReady, { what: 'it is accepted', timeoutMs: VERDICT_TIMEOUT_MS });
    for (const path of (await downloader.status()).files.map((file) => file.path))
      expect(path).not.toMatch(/\.\.\/|\p{Cc}|\u202e/u);
  });

  it('that is another than was asked for is not believed, and an honest peer is heard after it', async () => {
    const infoHash = sha1(GOOD);
    const port = await pickFreePort('0.0.0.0');
    await using liar = await startRawPeer(infoHash, '127.9.4.3', (socket, onMessage) =>
      serveMetadata(socket, onMessage, Buffer.from(one('i8e', 'i16384e'))),
    );
    await using work = await makeTempDir('work');
    const options = { infoHash, workDir: work.path, peers: [addressOf(liar)], peerPorts: [port, port] as [number, number] };
    await using downloader = await startDownloader(options);
    await waitFor(() => liar.connections() > 0, { what: 'the liar is asked', timeoutMs: VERDICT_TIMEOUT_MS });
    // What was too deep once must not make everything too deep.
    await attack(port, infoHash, { name: 'deep', messages: [extended(0, 'l'.repeat(200_000))] });
    await sleep(SETTLE_MS);
    expect((await downloader.status()).state).toBe('resolving');
    let listen: MessageListener = () => {};
    const honest = await greet(port, infoHash, { localAddress: '127.9.4.4', onMessage: (id, body) => listen(id, body) });
    serveMetadata(
      honest,
      (listener) => {
        listen = listener;
      },
      GOOD,
    );
    const isReady = async () => (await downloader.status()).state === 'ready';
    await waitFor(isReady, { what: 'the honest one is believed', timeoutMs: VERDICT_TIMEOUT_MS });
    honest.destroy();
  });
});

it.each([
  [METADATA_MAX, true],
  [METADATA_MAX + 1, false],
])('metadata of %i bytes is asked for: %s', async (size, isAsked) => {
  const infoHash = 'cd'.repeat(20);
  let requests = 0;
  await using peer = await startRawPeer(infoHash, '127.9.4.5', (socket, onMessage) => {
    socket.write(extended(0, `d1:md11:ut_metadatai1ee13:metadata_sizei${size}ee`));
    onMessage((id, body) => {
      if (id === ID.extended && body[0] === 1) requests += 1;
    });
  });
  await using work = await makeTempDir('work');
  await using downloader = await startDownloader({ infoHash, workDir: work.path, peers: [addressOf(peer)] });
  await waitFor(async () => (await downloader.status()).swarm.peers === 1, {
    what: 'it is connected',
    timeoutMs: VERDICT_TIMEOUT_MS,
  });
  if (isAsked) await waitFor(() => requests > 0, { what: 'it is asked', timeoutMs: VERDICT_TIMEOUT_MS });
  else await sleep(SETTLE_MS);
  expect(requests > 0).toBe(isAsked);
});
