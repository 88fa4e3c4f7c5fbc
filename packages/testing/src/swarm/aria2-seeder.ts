import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pickFreePort } from '../processes/loopback.ts';
import { startProcess } from '../processes/start-process.ts';
import { makeTempDir } from '../processes/temp-dir.ts';
import { waitFor } from '../processes/wait-for.ts';
import type { ResolvedSeederOptions, Seeder } from './seeder.ts';

/** It hashes everything first. */
const START_TIMEOUT_MS = 30_000;

type Download = { status: string; seeder?: string; uploadLength: string };

/** aria2 with the options of its manual that keep it on loopback; RPC tells when it seeds and what it sent. */
export async function startAria2Seeder({ torrent, dir, address, uploadBytesPerSecond }: ResolvedSeederOptions): Promise<Seeder> {
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
    '--check-integrity=true',
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
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'aria2.tellActive', params: [['status', 'seeder', 'uploadLength']] }),
      signal: AbortSignal.timeout(2000),
    });
    return ((await response.json()) as { result: Download[] }).result;
  };
  const stop = async () => {
    await program.stop();
    await home[Symbol.asyncDispose]();
  };
  try {
    await waitFor(async () => (await downloads())[0]?.seeder === 'true', { what: 'aria2 seeds', timeoutMs: START_TIMEOUT_MS });
  } catch (error) {
    await stop();
    throw new Error(`aria2 did not start:\n${program.tail()}`, { cause: error });
  }
  return {
    address,
    port,
    pid: program.pid,
    uploadedBytes: async () => Number((await downloads())[0]?.uploadLength ?? 0),
    [Symbol.asyncDispose]: stop,
  };
}
