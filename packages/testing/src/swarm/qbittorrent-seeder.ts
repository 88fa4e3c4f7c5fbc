import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pickFreePort } from '../processes/loopback.ts';
import { startProcess } from '../processes/start-process.ts';
import { makeTempDir } from '../processes/temp-dir.ts';
import { waitFor } from '../processes/wait-for.ts';
import type { ResolvedSeederOptions, Seeder } from './seeder.ts';

const START_TIMEOUT_MS = 40_000;
/** `uploading` sends, `stalledUP` seeds with nobody asking, `forcedUP` likewise. */
const SEEDING_STATES = ['uploading', 'stalledUP', 'forcedUP'];

type RemoteTorrent = { state: string; uploaded: number };

/** qbittorrent-nox with a profile of its own; its web API on loopback needs no password. */
export async function startQbittorrentSeeder(options: ResolvedSeederOptions): Promise<Seeder> {
  const { torrent, dir, address, uploadBytesPerSecond } = options;
  const home = await makeTempDir('qbittorrent');
  const port = await pickFreePort(address);
  const webPort = await pickFreePort();
  const configDir = join(home.path, 'qBittorrent', 'config');
  await mkdir(configDir, { recursive: true });
  await writeFile(join(configDir, 'qBittorrent.conf'), buildConfig(address, port, webPort));
  const program = startProcess('qbittorrent-nox', [`--profile=${home.path}`], {
    env: { ...process.env, HOME: home.path },
    // On SIGTERM it says goodbye for seconds; its profile is thrown away.
    stopSignal: 'SIGKILL',
  });
  const api = (path: string, init: RequestInit = {}) =>
    fetch(`http://127.0.0.1:${webPort}/api/v2/${path}`, { ...init, signal: AbortSignal.timeout(5000) });
  const read = async () => ((await (await api(`torrents/info?hashes=${torrent.infoHash}`)).json()) as RemoteTorrent[])[0];
  const stop = async () => {
    await program.stop();
    await home[Symbol.asyncDispose]();
  };
  try {
    await waitFor(async () => (await api('app/version')).ok, { what: 'qbittorrent answers', timeoutMs: START_TIMEOUT_MS });
    const form = new FormData();
    form.set('torrents', new Blob([new Uint8Array(torrent.metainfo)]), 'x.torrent');
    form.set('savepath', dir);
    form.set('upLimit', String(uploadBytesPerSecond ?? 0));
    const added = await api('torrents/add', { method: 'POST', body: form });
    if (!added.ok) throw new Error(`qbittorrent refused the torrent: ${added.status} ${await added.text()}`);
    await waitFor(async () => SEEDING_STATES.includes((await read())?.state ?? ''), {
      what: 'qbittorrent seeds',
      timeoutMs: START_TIMEOUT_MS,
      intervalMs: 100,
    });
  } catch (error) {
    await stop();
    throw new Error(`qbittorrent did not start:\n${program.tail()}`, { cause: error });
  }
  return {
    address,
    port,
    pid: program.pid,
    uploadedBytes: async () => (await read())?.uploaded ?? 0,
    [Symbol.asyncDispose]: stop,
  };
}

function buildConfig(address: string, port: number, webPort: number): string {
  return `[LegalNotice]
Accepted=true

[BitTorrent]
Session\\Interface=lo
Session\\InterfaceName=lo
Session\\InterfaceAddress=${address}
Session\\Port=${port}
Session\\UseRandomPort=false
Session\\DHTEnabled=false
Session\\LSDEnabled=false
Session\\PeXEnabled=false
Session\\BTProtocol=TCP
Session\\MultiConnectionsPerIp=true
Session\\IgnoreLimitsOnLAN=false
Session\\QueueingSystemEnabled=false

[Network]
PortForwardingEnabled=false

[Preferences]
Connection\\UPnP=false
WebUI\\Enabled=true
WebUI\\Address=127.0.0.1
WebUI\\Port=${webPort}
WebUI\\LocalHostAuth=false
WebUI\\UseUPnP=false
WebUI\\CSRFProtection=false
WebUI\\HostHeaderValidation=false
`;
}
