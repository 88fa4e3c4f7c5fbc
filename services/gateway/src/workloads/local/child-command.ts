import { fileURLToPath } from 'node:url';
import type { WorkerSpec } from '@lodestream/shared';

const ENTRY: Record<WorkerSpec['kind'], string> = {
  downloader: fileURLToPath(new URL('../../../../downloader/src/main.ts', import.meta.url)),
  probe: fileURLToPath(new URL('../../../../transcoder/src/main.ts', import.meta.url)),
  run: fileURLToPath(new URL('../../../../transcoder/src/main.ts', import.meta.url)),
};

/** Peers can make a downloader grow; its heap ends before the machine's memory does (webtorrent.md §8.4). */
const DOWNLOADER_HEAP_MB = 384;
const TRANSCODER_HEAP_MB = 192;
/** A local downloader outlives a crash of the gateway, and goes when none has come back (architecture §7). */
const DOWNLOADER_UNWATCHED_SECONDS = 20;

export type ChildCommand = { file: string; args: string[]; env: Record<string, string>; isDetached: boolean };

export type ChildPlace = {
  specFile: string;
  workDir: string;
  token: string;
  callHomeUrl: string;
  /** The port it had before a crash, so that those who read from it find it again; 0: any. */
  port: number;
  logLevel: string;
};

/**
 * How a worker is started as a child process. Transcoders and probes die with the gateway, even when stopped
 * (`setpriv --pdeathsig KILL`); a downloader is detached.
 */
export function buildChildCommand(spec: WorkerSpec, place: ChildPlace, execPath: string, path: string): ChildCommand {
  const isDownloader = spec.kind === 'downloader';
  const node = [`--max-old-space-size=${isDownloader ? DOWNLOADER_HEAP_MB : TRANSCODER_HEAP_MB}`, '--no-warnings', ENTRY[spec.kind]];
  const command = isDownloader ? [execPath, ...node] : ['setpriv', '--pdeathsig', 'KILL', execPath, ...node];
  return {
    file: command[0] as string,
    args: command.slice(1),
    env: {
      PATH: path,
      LODESTREAM_TOKEN: place.token,
      LODESTREAM_SPEC_FILE: place.specFile,
      LODESTREAM_WORK_DIR: place.workDir,
      LODESTREAM_CALL_HOME_URL: place.callHomeUrl,
      LODESTREAM_WORKER_PORT: String(place.port),
      LODESTREAM_LOG_LEVEL: place.logLevel,
      ...(isDownloader ? { LODESTREAM_UNWATCHED_SECONDS: String(DOWNLOADER_UNWATCHED_SECONDS) } : {}),
    },
    isDetached: isDownloader,
  };
}
