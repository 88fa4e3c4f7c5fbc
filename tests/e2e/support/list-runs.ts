import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { RunSpec } from '@lodestream/shared';
import { descendants, type TestGateway } from '@lodestream/testing';

export type SeenRun = {
  name: string;
  kind: 'video' | 'audio';
  startSegment: number;
  /** Null: it has none, or none any more. */
  ffmpegPid: number | null;
  /** Of its ffmpeg, by the kernel: `T` is stopped, `R` and `S` are awake (proc(5)). */
  state: string | null;
};

/** Every run that has been started and has not expired, seen from the system: its folder, and the ffmpeg that works in it. */
export function listRuns(gateway: TestGateway): SeenRun[] {
  const root = join(gateway.dataDir, 'workloads');
  const encoders = descendants(gateway.pid).flatMap(({ pid, state, command }) => {
    // A shell and two wrappers become ffmpeg one after the other, all in the run's folder and of the same pid.
    const folder = /(^|\/)ffmpeg /.test(command) && !command.includes('contained-ffmpeg') ? folderOf(pid) : null;
    return folder === null ? [] : [{ pid, state, folder }];
  });
  return readdirSync(root)
    .filter((name) => name.startsWith('tc-'))
    .flatMap((name) => {
      const spec = readSpec(join(root, name, 'spec.json'));
      if (!spec) return [];
      const encoder = encoders.find(({ folder }) => folder.startsWith(join(root, name, '')));
      return {
        name,
        kind: spec.rendition.kind,
        startSegment: spec.startSegment,
        ffmpegPid: encoder?.pid ?? null,
        state: encoder?.state ?? null,
      };
    });
}

function folderOf(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

/** A folder that is just made or just going has no whole spec. */
function readSpec(path: string): RunSpec | null {
  try {
    return RunSpec.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}
