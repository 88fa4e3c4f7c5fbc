import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { createTorrent, makeTempDir, type TestTorrent } from '@lodestream/testing';

/** A torrent of one large file that is a hole in the disk: its bytes are zeros, and take no room. */
export async function makeSparseTorrent(
  lengthBytes: number,
  pieceLengthBytes: number,
): Promise<AsyncDisposable & { torrent: TestTorrent; dir: string }> {
  const dir = await makeTempDir('large');
  const file = await open(join(dir.path, 'large.bin'), 'w');
  await file.truncate(lengthBytes);
  await file.close();
  const torrent = await createTorrent({ dir: dir.path, name: 'large.bin', pieceLengthBytes });
  return { torrent, dir: dir.path, [Symbol.asyncDispose]: () => dir[Symbol.asyncDispose]() };
}
