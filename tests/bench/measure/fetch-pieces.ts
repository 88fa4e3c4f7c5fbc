import { fileURLToPath } from 'node:url';
import { buildMagnet, makeTempDir, pickLoopbackAddress, type Seeder, startProcess, type TestTorrent } from '@lodestream/testing';

const SCRIPT = fileURLToPath(new URL('./fetch_pieces.py', import.meta.url));
/** Debian's own python, which sees python3-libtorrent. */
const PYTHON = '/usr/bin/python3';

export type PieceFetcher = AsyncDisposable & {
  /** From the start of the session until it had the metadata; its own start and the interpreter's are not in it. */
  readonly metadataMs: number;
  /** Fetches exactly these pieces and gives the time that it took. */
  fetch(pieceIndexes: readonly number[]): Promise<number>;
};

/** What libtorrent takes for the same bytes from the same seeder: nothing can be faster by much. */
export async function startPieceFetcher(torrent: TestTorrent, seeder: Seeder): Promise<PieceFetcher> {
  const dir = await makeTempDir('fetch');
  const answers: ((ms: number) => void)[] = [];
  const peer = startProcess(PYTHON, [SCRIPT], { onLine: (line) => answers.shift()?.(JSON.parse(line).ms) });
  const ask = (message: object) =>
    new Promise<number>((resolve, reject) => {
      answers.push(resolve);
      void peer.exited.then(() => reject(new Error(`libtorrent has ended:\n${peer.tail()}`)));
      peer.child.stdin?.write(`${JSON.stringify(message)}\n`);
    });
  const settings = {
    magnet: buildMagnet(torrent),
    peers: [[seeder.address, seeder.port]],
    address: pickLoopbackAddress(),
    dir: dir.path,
  };
  const metadataMs = await ask(settings);
  return {
    metadataMs,
    fetch: (pieceIndexes) => ask({ pieces: pieceIndexes }),
    [Symbol.asyncDispose]: async () => {
      await peer.stop();
      await dir[Symbol.asyncDispose]();
    },
  };
}

/** The pieces that hold these bytes of a torrent of one file. */
export function piecesOf(torrent: TestTorrent, startByte: number, endByte: number): number[] {
  const first = Math.floor(startByte / torrent.pieceLengthBytes);
  const last = Math.floor((Math.min(endByte, torrent.lengthBytes) - 1) / torrent.pieceLengthBytes);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
