import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunSpec } from '@lodestream/shared';
import { type ProcessInfo, type TestGateway, waitFor } from '@lodestream/testing';

/** What the gateway itself keeps while it runs: its key, and an empty folder. */
const IDLE_FILES = ['key', 'workloads'];
const MAIN = /services\/gateway\/src\/main\.ts/;

/** A segment of which at least one part lies on the disk, and the workload that made it. */
export type MadeSegment = {
  renditionId: string;
  kind: 'video' | 'audio';
  segmentIndex: number;
  workload: string;
  partCount: number;
};

/** What has been encoded and is still there, read from the folders of the runs. */
export async function listMadeSegments(dataDir: string): Promise<MadeSegment[]> {
  const root = join(dataDir, 'workloads');
  const names = existsSync(root) ? (await readdir(root)).filter((name) => name.startsWith('tc-')) : [];
  const made = await Promise.all(names.map((name) => readRun(root, name).catch(() => [])));
  return made.flat();
}

async function readRun(root: string, workload: string): Promise<MadeSegment[]> {
  const { rendition } = RunSpec.parse(JSON.parse(await readFile(join(root, workload, 'spec.json'), 'utf8')));
  const parts = (await readdir(join(root, workload, 'work'))).flatMap((name) => /^(\d+)\.m4s$/.exec(name)?.[1] ?? []);
  const counts = new Map<number, number>();
  for (const part of parts) {
    const segmentIndex = Math.floor(Number(part) / rendition.timeline.partsPerSegment);
    counts.set(segmentIndex, (counts.get(segmentIndex) ?? 0) + 1);
  }
  return [...counts].map(([segmentIndex, partCount]) => ({
    renditionId: rendition.id,
    kind: rendition.kind,
    segmentIndex,
    workload,
    partCount,
  }));
}

/** Encodes per unique segment: 1 when nothing was made twice. */
export function encodesPerSegment(made: readonly MadeSegment[]): number {
  return made.length / new Set(made.map((one) => `${one.renditionId}/${one.segmentIndex}`)).size;
}

/** Everything of the deployment but the gateway and whoever supervises it. */
export function listWorkers(gateway: TestGateway): ProcessInfo[] {
  return gateway.workers().filter((one) => one.pid !== gateway.pid && !MAIN.test(one.command));
}

export function listEncoders(gateway: TestGateway, kind: 'video' | 'audio'): ProcessInfo[] {
  return listWorkers(gateway).filter(
    (one) => one.command.startsWith('ffmpeg ') && one.command.includes(kind === 'video' ? ' -c:v ' : ' -c:a '),
  );
}

export function findGateway(gateway: TestGateway): ProcessInfo | undefined {
  return gateway.workers().find((one) => MAIN.test(one.command) && !one.command.startsWith('setpriv'));
}

/** Waits until no process, file or directory of any workload is left; says what is when there is. */
export async function waitForNothingLeft(gateway: TestGateway, timeoutMs: number): Promise<void> {
  const left = async () => [
    ...listWorkers(gateway).map((one) => `${one.pid} ${one.state} ${one.command.slice(0, 200)}`),
    ...(await gateway.files()).filter((name) => !IDLE_FILES.includes(name)),
  ];
  await waitFor(async () => (await left()).length === 0, { what: 'nothing is left', timeoutMs, intervalMs: 100 }).catch(
    async (cause) => {
      throw new Error(`after ${timeoutMs} ms is left:\n${(await left()).join('\n')}\n${gateway.tail().slice(-3000)}`, { cause });
    },
  );
}
