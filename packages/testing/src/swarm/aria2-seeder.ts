import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pickFreePort } from '../processes/loopback.ts';
import { startProcess } from '../processes/start-process.ts';
import { makeTempDir } from '../processes/temp-dir.ts';
import { waitFor } from '../processes/wait-for.ts';
import type { Leecher, ResolvedSeederOptions, Seeder } from './seeder.ts';

/** It hashes everything first. */
const START_TIMEOUT_MS = 30_000;

const FIELDS = ['status', 'seeder', 'uploadLength', 'completedLength'];
type Download = { status: string; seeder?: string; uploadLength: string; completedLength: string };

/** It has all and gives it to whoever asks. */
export function startAria2Seeder(options: ResolvedSeederOptions): Promise<Seeder> {
  return startAria2(options, ['--check-integrity=true'], ({ seeder }) => seeder === 'true');
}

/** It has nothing yet, and takes from whoever connects to it. */
export function startAria2Leecher(options: ResolvedSeederOptions): Promise<Leecher> {
  return startAria2(options, ['--file-allocation=none'], ({ status }) => status === 'active');
}

/** aria2 with the options of its manual that keep it on loopback; RPC tells when it seeds and what it sent. */
async function startAria2(
  { torrent, dir, address, uploadBytesPerSecond }: ResolvedSeederOptions,
  args: readonly string[],
  isReady: (download: Download) => boolean,
): Promise<Seeder & Leecher> {
  const home = await makeTempDir('aria2');
  const torrentPath = join(home.path, 'x.torrent');
  await writeFile(torrentPath, torrent.metainfo);
  const port = await pickFreePort(address);
  const rpcPort = await pickFreePort();
  const program = startProcess('aria2c', [
    '--no-conf',
    `--dir=${dir}`,
    `--listen-port=${port}`,
    `--interface=${address}`,
    '--enable-dht=false',
    '--enable-dht6=false',
    '--bt-enable-lpd=false',
    '--enable-peer-exchange=false',
    ...args,
    '--bt-seed-unverified=false',
    '--seed-ratio=0.0',
    `--max-overall-upload-limit=${uploadBytesPerSecond ?? 0}`,
    '--enable-rpc=true',
    '--rpc-listen-all=false',
    `--rpc-listen-port=${rpcPort}`,
    // A download that it stopped in the middle would leave a control file beside the content.
    '--auto-save-interval=0',
    torrentPath,
  ]);
  const downloads = async () => {
    const response = await fetch(`http://127.0.0.1:${rpcPort}/jsonrpc`, {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'aria2.tellActive', params: [FIELDS] }),
      signal: AbortSignal.timeout(2000),
    });
    return ((await response.json()) as { result: Download[] }).result;
  };
  const stop = async () => {
    await program.stop();
    await home[Symbol.asyncDispose]();
  };
  try {
    await waitFor(async () => (await downloads()).some(isReady), { what: 'aria2 seeds or leeches', timeoutMs: START_TIMEOUT_MS });
  } catch (error) {
    await stop();
    throw new Error(`aria2 did not start:\n${program.tail()}`, { cause: error });
  }
  return {
    address,
    port,
    pid: program.pid,
    downloadedBytes: async () => Number((await downloads())[0]?.completedLength ?? 0),
    uploadedBytes: async () => Number((await downloads())[0]?.uploadLength ?? 0),
    [Symbol.asyncDispose]: stop,
  };
}
