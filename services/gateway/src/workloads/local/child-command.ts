import { fileURLToPath } from 'node:url';
import { STANDBY_VARIABLE } from '@lodestream/service-kit/standby';
import { WORKER_NODE_FLAGS, type WorkerSpec } from '@lodestream/shared';

const ENTRY: Record<WorkerSpec['kind'], string> = {
  downloader: fileURLToPath(new URL('../../../../downloader/src/main.ts', import.meta.url)),
  probe: fileURLToPath(new URL('../../../../transcoder/src/main.ts', import.meta.url)),
  run: fileURLToPath(new URL('../../../../transcoder/src/main.ts', import.meta.url)),
};

/** Peers can make a downloader grow; its heap ends before the machine's memory does (webtorrent.md §8.4). */
export const DOWNLOADER_HEAP_MIB = 384;
const TRANSCODER_HEAP_MIB = 192;
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
export function buildChildCommand(
  { kind }: Pick<WorkerSpec, 'kind'>,
  place: ChildPlace,
  execPath: string,
  path: string,
): ChildCommand {
  return buildCommand(kind, execPath, {
    PATH: path,
    LODESTREAM_TOKEN: place.token,
    LODESTREAM_SPEC_FILE: place.specFile,
    LODESTREAM_WORK_DIR: place.workDir,
    LODESTREAM_CALL_HOME_URL: place.callHomeUrl,
    LODESTREAM_WORKER_PORT: String(place.port),
    LODESTREAM_LOG_LEVEL: place.logLevel,
    ...(kind === 'downloader' ? { LODESTREAM_UNWATCHED_SECONDS: String(DOWNLOADER_UNWATCHED_SECONDS) } : {}),
  });
}

/** How one is started that waits for its job: what `buildChildCommand` says of its environment is given to it then. */
export function buildStandbyCommand(kind: WorkerSpec['kind'], workDir: string, execPath: string, path: string): ChildCommand {
  return buildCommand(kind, execPath, { PATH: path, [STANDBY_VARIABLE]: '1', LODESTREAM_WORK_DIR: workDir });
}

function buildCommand(kind: WorkerSpec['kind'], execPath: string, env: Record<string, string>): ChildCommand {
  const isDownloader = kind === 'downloader';
  const heap = `--max-old-space-size=${isDownloader ? DOWNLOADER_HEAP_MIB : TRANSCODER_HEAP_MIB}`;
  const node = [heap, ...WORKER_NODE_FLAGS, '--no-warnings', ENTRY[kind]];
  const command = isDownloader ? [execPath, ...node] : ['setpriv', '--pdeathsig', 'KILL', execPath, ...node];
  return { file: command[0] as string, args: command.slice(1), env: { ...env, ...compileCache() }, isDetached: isDownloader };
}

/** Node keeps compiled code in a folder when it is told of one; that halves the time until a worker is there. */
function compileCache(): Record<string, string> {
  const folder = process.env['NODE_COMPILE_CACHE'];
  return folder ? { NODE_COMPILE_CACHE: folder } : {};
}
