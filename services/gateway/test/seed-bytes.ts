import { createCipheriv, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buildMagnet, createTorrent, makeTempDir, startLibtorrentSeeder, type TestTorrent } from '@lodestream/testing';

/** More than the sockets between a slow reader and his file hold. */
const LENGTH_BYTES = 24_000_000;
const PIECE_BYTES = 64 * 1024;

export type SeededBytes = AsyncDisposable & { torrent: TestTorrent; magnet: string; bytes: Buffer };

/** A file of noise with its one seeder: nothing in it can be played, and all of it can be read. */
export async function seedBytes(name: string, address: string): Promise<SeededBytes> {
  const dir = await makeTempDir('bytes');
  const bytes = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16)).update(Buffer.alloc(LENGTH_BYTES));
  await writeFile(join(dir.path, name), bytes);
  const torrent = await createTorrent({ dir: dir.path, name, pieceLengthBytes: PIECE_BYTES });
  const seeder = await startLibtorrentSeeder({ torrent, dir: dir.path, address });
  return {
    torrent,
    magnet: buildMagnet(torrent, [seeder]),
    bytes,
    async [Symbol.asyncDispose]() {
      await seeder[Symbol.asyncDispose]();
      await dir[Symbol.asyncDispose]();
    },
  };
}
