/** `node test/serve-fixture.ts [port]`: the built app over the fixture film, to look at it and to develop against. */
import { join } from 'node:path';
import type { TorrentFile } from '@lodestream/shared';
import { makeFixtureMedia } from './fixture-media.ts';
import { fixtureTorrent, startFixtureServer } from './fixture-server.ts';

const file = (index: number, path: string, lengthBytes: number, kind: TorrentFile['kind']): TorrentFile => ({
  index,
  path,
  lengthBytes,
  kind,
});
const film = fixtureTorrent('a'.repeat(40), [file(0, 'The Wanderer (1978)/The Wanderer (1978).mkv', 1_460_000_000, 'video')], {
  name: 'The Wanderer (1978)',
});
const series = fixtureTorrent(
  'b'.repeat(40),
  [
    ...[1, 2, 3, 10].map((n, i) =>
      file(i, `Field Notes/Season 1/Field Notes S01E${String(n).padStart(2, '0')}.mkv`, 412_000_000 + n * 3e6, 'video'),
    ),
    ...[1, 2].map((n, i) => file(4 + i, `Field Notes/Season 2/Field Notes S02E0${n}.mkv`, 398_000_000 + n * 3e6, 'video')),
    file(6, 'Field Notes/Season 1/Subs/English/S01E01.srt', 54_000, 'subtitle'),
    file(7, 'Field Notes/Music/Opening theme.flac', 31_000_000, 'audio'),
    file(8, 'Field Notes/cover.jpg', 412_000, 'image'),
    file(9, 'Field Notes/readme.txt', 912, 'text'),
  ],
  { name: 'Field Notes' },
);
const lonely = fixtureTorrent('c'.repeat(40), [], { name: '', status: 'resolving', stage: 'finding-peers', hints: ['no-peers'] });
lonely.swarm = { ...lonely.swarm, peers: 0, seeders: 0, downloadBytesPerSecond: 0 };

const { url, world } = await startFixtureServer(
  await makeFixtureMedia(),
  join(import.meta.dirname, '../dist'),
  Number(process.argv[2] ?? 8080),
);
for (const torrent of [film, series, lonely]) world.known.set(torrent.infoHash, torrent);
process.stdout.write(`${url}\n${url}/t/${film.infoHash}\n${url}/t/${series.infoHash}\n${url}/t/${lonely.infoHash}\n`);
