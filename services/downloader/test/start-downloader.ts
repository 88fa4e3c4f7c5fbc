import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type DownloaderSpec,
  type DownloaderStatus,
  type InfoHash,
  type SwarmKnowledge,
  WORKER_NODE_FLAGS,
} from '@lodestream/shared';
import { pickFreePort, waitFor } from '@lodestream/testing';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const TOKEN = 'test-token-of-a-downloader';
/** So much fits in a magnet; more trackers are the operator's, more peers are of an earlier life. */
const SOURCE_TRACKERS_MAX = 20;
const SOURCE_PEERS_MAX = 8;
const AUTHORIZATION = `Bearer ${TOKEN}`;
/** It listens after half a second; on a machine that runs encoders beside it, after ten times that. */
const START_TIMEOUT_MS = 30_000;

export type RunningDownloader = AsyncDisposable & {
  readonly pid: number;
  readonly url: string;
  /** The header that a request needs. */
  readonly authorization: string;
  status(fileIndex?: number): Promise<DownloaderStatus>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Bytes `[start, end)` of a file. */
  read(fileIndex: number, start: number, end: number, init?: RequestInit): Promise<Buffer>;
  stderr(): string;
  kill(): Promise<void>;
  /** Resolves with the exit code once the process is gone. */
  readonly exited: Promise<number | null>;
};

export type StartOptions = {
  infoHash: string;
  workDir: string;
  peers?: string[];
  trackers?: string[];
  webSeeds?: string[];
  metainfo?: Buffer;
  diskBudgetBytes?: number;
  ttlSeconds?: number;
  allowedPrivateNetworks?: string[];
  uploadBytesPerSecond?: number;
  /** The DHT is off unless these are given. */
  dhtBootstrap?: string[];
  peerPorts?: [number, number];
  known?: SwarmKnowledge;
  nodeArgs?: string[];
};

/** `npm run test:patches` has a downloader run without a hunk of a patch. */
function nodeOptions(): { NODE_OPTIONS?: string } {
  const options = process.env.LODESTREAM_DOWNLOADER_NODE_OPTIONS;
  return options === undefined ? {} : { NODE_OPTIONS: options };
}

/** Runs the real program, as the orchestrator does: a spec in its environment, a port of its own. */
export async function startDownloader(options: StartOptions): Promise<RunningDownloader> {
  const spec: DownloaderSpec = {
    kind: 'downloader',
    name: `dl-${options.infoHash}`,
    ttlSeconds: options.ttlSeconds ?? 300,
    infoHash: options.infoHash as InfoHash,
    source: {
      infoHash: options.infoHash as InfoHash,
      displayName: 'a test',
      trackers: (options.trackers ?? []).slice(0, SOURCE_TRACKERS_MAX),
      peers: (options.peers ?? []).slice(0, SOURCE_PEERS_MAX),
      ...(options.webSeeds ? { webSeeds: options.webSeeds } : {}),
      ...(options.metainfo ? { metainfo: options.metainfo.toString('base64') } : {}),
    },
    known: options.known ?? { peers: (options.peers ?? []).slice(SOURCE_PEERS_MAX), dhtNodes: [] },
    diskBudgetBytes: options.diskBudgetBytes ?? 8 * 1024 ** 3,
    network: {
      dht: options.dhtBootstrap !== undefined,
      dhtBootstrap: options.dhtBootstrap ?? [],
      trackers: (options.trackers ?? []).slice(SOURCE_TRACKERS_MAX),
      allowedPrivateNetworks: options.allowedPrivateNetworks ?? ['127.0.0.0/8'],
      uploadBytesPerSecond: options.uploadBytesPerSecond ?? 1024 * 1024,
      ...(options.peerPorts ? { peerPorts: options.peerPorts } : {}),
    },
  };
  const port = await pickFreePort();
  // Metadata of a large torrent is too long for an environment.
  const specFile = join(options.workDir, 'spec.json');
  await writeFile(specFile, JSON.stringify(spec), { mode: 0o600 });
  const child = spawn(process.execPath, [...WORKER_NODE_FLAGS, ...(options.nodeArgs ?? []), MAIN], {
    stdio: ['ignore', 'inherit', 'pipe'],
    env: {
      PATH: process.env.PATH,
      LODESTREAM_TOKEN: TOKEN,
      LODESTREAM_SPEC_FILE: specFile,
      LODESTREAM_WORK_DIR: options.workDir,
      LODESTREAM_WORKER_PORT: String(port),
      ...nodeOptions(),
    },
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  const url = `http://127.0.0.1:${port}`;
  const request = (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers);
    headers.set('authorization', AUTHORIZATION);
    return fetch(url + path, { ...init, headers });
  };
  const kill = async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  };
  try {
    await waitFor(async () => (await request('/status')).ok, { what: 'the downloader answers', timeoutMs: START_TIMEOUT_MS });
  } catch (error) {
    await kill();
    throw new Error(`the downloader did not start:\n${stderr}`, { cause: error });
  }
  return {
    pid: child.pid as number,
    url,
    authorization: AUTHORIZATION,
    status: async (fileIndex) =>
      (await (await request(`/status${fileIndex === undefined ? '' : `?file=${fileIndex}`}`)).json()) as DownloaderStatus,
    fetch: request,
    read: async (fileIndex, start, end, init = {}) => {
      const response = await request(`/files/${fileIndex}`, {
        ...init,
        headers: { ...init.headers, range: `bytes=${start}-${end - 1}` },
      });
      if (response.status !== 206) throw new Error(`${response.status}: ${await response.text()}`);
      return Buffer.from(await response.arrayBuffer());
    },
    stderr: () => stderr,
    kill,
    exited,
    [Symbol.asyncDispose]: kill,
  };
}
