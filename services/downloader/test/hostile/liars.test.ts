import { setTimeout as sleep } from 'node:timers/promises';
import { makeTempDir, startLibtorrentSeeder } from '@lodestream/testing';
import { describe, expect, it } from 'vitest';
import { makeRandomFilm } from '../random-film.ts';
import { ID, message, startRawPeer } from '../raw-peer.ts';
import { startDownloader } from '../start-downloader.ts';

const HAVE_ALL = message(ID.haveAll);

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
