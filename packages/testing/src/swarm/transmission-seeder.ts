import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pickFreePort } from '../processes/loopback.ts';
import { startProcess } from '../processes/start-process.ts';
import { makeTempDir } from '../processes/temp-dir.ts';
import { waitFor } from '../processes/wait-for.ts';
import type { Leecher, ResolvedSeederOptions, Seeder } from './seeder.ts';

const START_TIMEOUT_MS = 30_000;
/** TR_STATUS_SEED of its RPC specification. */
const STATUS_DOWNLOADING = 4;
const STATUS_SEEDING = 6;

type RemoteTorrent = { status: number; uploadedEver: number; haveValid: number; error: number; errorString: string };

/** It has all and gives it to whoever asks. */
export function startTransmissionSeeder(options: ResolvedSeederOptions): Promise<Seeder> {
  return startTransmission(options, (torrent) => torrent.status === STATUS_SEEDING);
}

/** It has nothing yet, and takes from whoever connects to it: it knows nobody. */
export async function startTransmissionLeecher(options: ResolvedSeederOptions): Promise<Leecher> {
  return startTransmission(options, (torrent) => torrent.status === STATUS_DOWNLOADING);
}

/**
 * transmission-daemon in the foreground. It unchokes a new peer only after up to 10 s, and it refuses an address that
 * connected and left quickly: give every leecher an address of its own.
 */
async function startTransmission(
  options: ResolvedSeederOptions,
  isReady: (torrent: RemoteTorrent) => boolean,
): Promise<Seeder & Leecher> {
  const { torrent, dir, address, uploadBytesPerSecond } = options;
  const home = await makeTempDir('transmission');
  const port = await pickFreePort(address);
  const rpcPort = await pickFreePort();
  await writeFile(join(home.path, 'settings.json'), JSON.stringify(buildSettings(address, port, rpcPort, uploadBytesPerSecond)));
  const program = startProcess('transmission-daemon', ['-f', '-g', home.path], { env: { ...process.env, HOME: home.path } });
  const rpc = createRpc(`http://127.0.0.1:${rpcPort}/transmission/rpc`);
  const read = async () => {
    const fields = ['status', 'uploadedEver', 'haveValid', 'error', 'errorString'];
    const { torrents } = (await rpc('torrent-get', { fields })) as { torrents: RemoteTorrent[] };
    return torrents[0];
  };
  const stop = async () => {
    await program.stop();
    await home[Symbol.asyncDispose]();
  };
  try {
    await waitFor(() => rpc('session-get', {}), { what: 'transmission answers', timeoutMs: START_TIMEOUT_MS });
    await rpc('torrent-add', { metainfo: torrent.metainfo.toString('base64'), 'download-dir': dir });
    // Until it has verified the files it counts them as missing.
    await waitFor(async () => isReady((await read()) as RemoteTorrent), {
      what: 'transmission seeds or leeches',
      timeoutMs: START_TIMEOUT_MS,
    });
  } catch (error) {
    await stop();
    throw new Error(`transmission did not start:\n${program.tail()}`, { cause: error });
  }
  return {
    address,
    port,
    pid: program.pid,
    uploadedBytes: async () => (await read())?.uploadedEver ?? 0,
    downloadedBytes: async () => (await read())?.haveValid ?? 0,
    [Symbol.asyncDispose]: stop,
  };
}

function buildSettings(address: string, port: number, rpcPort: number, uploadBytesPerSecond: number | undefined): object {
  return {
    'bind-address-ipv4': address,
    'peer-port': port,
    'peer-port-random-on-start': false,
    'rpc-bind-address': '127.0.0.1',
    'rpc-port': rpcPort,
    'rpc-authentication-required': false,
    'rpc-whitelist-enabled': true,
    'utp-enabled': false,
    'dht-enabled': false,
    'lpd-enabled': false,
    'pex-enabled': false,
    'port-forwarding-enabled': false,
    // 0: clear connections preferred; encrypted ones cost CPU that the test measures.
    encryption: 0,
    'upload-slots-per-torrent': 50,
    'queue-stalled-enabled': false,
    'seed-queue-enabled': false,
    'download-queue-enabled': false,
    'speed-limit-up-enabled': uploadBytesPerSecond !== undefined,
    'speed-limit-up': Math.round((uploadBytesPerSecond ?? 0) / 1000),
  };
}

/** transmission's RPC: a 409 gives the session id that the same request is then repeated with. */
function createRpc(url: string): (method: string, args: object) => Promise<object> {
  let sessionId = '';
  const post = (method: string, args: object) =>
    fetch(url, {
      method: 'POST',
      headers: { 'x-transmission-session-id': sessionId },
      body: JSON.stringify({ method, arguments: args }),
      signal: AbortSignal.timeout(5000),
    });
  return async (method, args) => {
    let response = await post(method, args);
    if (response.status === 409) {
      sessionId = response.headers.get('x-transmission-session-id') ?? '';
      response = await post(method, args);
    }
    const answer = (await response.json()) as { result: string; arguments: object };
    if (answer.result !== 'success') throw new Error(`transmission: ${answer.result}`);
    return answer.arguments;
  };
}
