/// <reference lib="dom" />
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildMagnet,
  descendants,
  listProcesses,
  processesWithEnvironment,
  type Seeder,
  startGateway,
  type TestBrowser,
  type TestGateway,
  type TestTorrent,
  waitFor,
} from '@lodestream/testing';
import type { Page } from 'playwright-core';
import { type FrameMark, recordFrames, takeMarks } from './page-marks.ts';
import { cpuParts, startedAtMs } from './processes.ts';

const TIMEOUT_MS = 60_000;
/** A gateway that has nothing to do uses less than this in a while of `QUIET_MS`. */
const QUIET_CPU_MS = 30;
const QUIET_MS = 400;
/** A downloader and three transcoders wait while somebody is here. */
const SPARES = 4;

/** What happened, in ms since the start; which marks there are depends on what happened. */
export type ViewMarks = { 'first frame': number; [what: string]: number };

/** A gateway with a visitor on its first page, and nothing else going on. */
export type Viewer = AsyncDisposable & {
  readonly gateway: TestGateway;
  readonly page: Page;
  /** Pastes the magnet; gives what happened until the first frame, in ms since the click's request. */
  watch(torrent: TestTorrent, seeder: Seeder): Promise<ViewMarks>;
  /** Waits until processes wait for the next jobs, as they do some seconds after the last start. */
  sparesAreLoaded(): Promise<void>;
  /** Seeks; gives what happened until the first frame from there. */
  seek(seconds: number): Promise<ViewMarks>;
};

export async function openViewer(browser: TestBrowser): Promise<Viewer> {
  const gateway = await startGateway({ settings: { LODESTREAM_LOG_LEVEL: 'debug' } });
  const { page } = await browser.openPage();
  await recordFrames(page);
  await page.goto(gateway.baseUrl, { waitUntil: 'networkidle' });
  await sparesAreLoaded(gateway);
  await settle(gateway);
  return {
    gateway,
    page,
    async watch(torrent, seeder) {
      await page.getByTestId('magnet-input').fill(buildMagnet(torrent, [seeder]));
      await page.getByTestId('add').click();
      const shown = await waitForFrame(page, () => true);
      const { requests } = await takeMarks(page);
      const start = requests.find(({ url }) => url.endsWith('/api/v1/torrents'))?.startMs ?? Number.NaN;
      return { ...marksSince(gateway, start, requests), 'first frame': shown.shownMs - start };
    },
    sparesAreLoaded: () => sparesAreLoaded(gateway),
    async seek(seconds) {
      const start = await page.evaluate((to) => {
        const video = document.querySelector('video') as HTMLVideoElement;
        video.currentTime = to;
        return performance.timeOrigin + performance.now();
      }, seconds);
      const shown = await waitForFrame(page, (frame) => frame.shownMs > start && Math.abs(frame.mediaTimeSeconds - seconds) < 5);
      const { requests } = await takeMarks(page);
      return { ...marksSince(gateway, start, requests), 'first frame': shown.shownMs - start };
    },
    [Symbol.asyncDispose]: async () => {
      await page.context().close();
      await gateway.stop();
    },
  };
}

/** Waits until the processes of a gateway have done what they began: those that load for later would slow what is measured. */
export async function settle(gateway: TestGateway): Promise<void> {
  const used = () => familySum([gateway.pid, ...gateway.workers().map(({ pid }) => pid)]);
  let before = used();
  await waitFor(
    () => {
      const now = used();
      const isQuiet = now - before < QUIET_CPU_MS;
      before = now;
      return isQuiet;
    },
    { what: 'the gateway is quiet', timeoutMs: TIMEOUT_MS, intervalMs: QUIET_MS },
  );
}

/** Processes on standby, loaded: they use no CPU while they wait. */
async function sparesAreLoaded(gateway: TestGateway): Promise<void> {
  const root = join(gateway.dataDir, 'workloads');
  let before = Number.NaN;
  await waitFor(
    () => {
      // The folder of one goes when it is given its job.
      const folders = readdirSync(root).filter((name) => name.startsWith('standby-'));
      const pids = folders.flatMap((name) =>
        processesWithEnvironment('LODESTREAM_WORK_DIR', join(root, name)).map(({ pid }) => pid),
      );
      const now = familySum(pids);
      const areLoaded = folders.length >= SPARES && now === before;
      before = now;
      return areLoaded;
    },
    { what: 'processes wait for jobs', timeoutMs: TIMEOUT_MS, intervalMs: QUIET_MS },
  );
}

function familySum(pids: readonly number[]): number {
  const alive = new Set(listProcesses().map(({ pid }) => pid));
  return pids.filter((pid) => alive.has(pid)).reduce((sum, pid) => sum + (ignoreGone(() => cpuParts(pid).ownMs) ?? 0), 0);
}

function waitForFrame(page: Page, isIt: (frame: FrameMark) => boolean): Promise<FrameMark> {
  return waitFor(async () => (await takeMarks(page)).frames.find(isIt), {
    what: 'a frame is shown',
    timeoutMs: TIMEOUT_MS,
    intervalMs: 100,
  });
}

type Requests = Awaited<ReturnType<typeof takeMarks>>['requests'];

/** Marks from the gateway's log, the processes, their files and the page; one clock, because it is one machine. */
function marksSince(gateway: TestGateway, start: number, requests: Requests): Record<string, number> {
  const marks = new Map<string, number>();
  const note = (what: string, atMs: number | undefined) => {
    if (atMs === undefined || Number.isNaN(atMs) || atMs < start - 1) return;
    marks.set(what, Math.min(marks.get(what) ?? Number.POSITIVE_INFINITY, atMs - start));
  };
  for (const { kind, phase, time } of jsonLines(gateway.tail()))
    if (phase !== undefined) note(`${kind} ${phase === 'ended' ? 'answered' : phase}`, Number(time));
  for (const name of readdirSync(join(gateway.dataDir, 'workloads'))) {
    const dir = join(gateway.dataDir, 'workloads', name);
    if (name.startsWith('dl-'))
      for (const { msg, time } of jsonLines(readFileSync(join(dir, 'log'), 'utf8')))
        if (msg === 'metadata is known') note('metadata', Number(time));
    if (name.startsWith('tc-')) noteParts(dir, note);
  }
  for (const { pid, command } of descendants(gateway.pid))
    if (command.startsWith('ffmpeg '))
      note(
        command.includes('-vn') ? 'sound ffmpeg spawned' : 'ffmpeg spawned',
        ignoreGone(() => startedAtMs(pid)),
      );
  for (const request of requests) {
    const [, rest] = /\/hls\/(.*)$/.exec(request.url) ?? [];
    if (rest === undefined) continue;
    const what = /^index/.test(rest)
      ? 'first playlist'
      : rest.endsWith('m3u8')
        ? 'playlists'
        : /^v.*m4s$/.test(rest)
          ? 'segment'
          : undefined;
    if (what === undefined) continue;
    note(`${what} asked`, request.startMs);
    // 0 until the first byte is there.
    if (request.firstByteMs > request.startMs) note(`${what} first byte`, request.firstByteMs);
  }
  return Object.fromEntries(marks);
}

/** The rename keeps the time of the last write: when a part was made. */
function noteParts(dir: string, note: (what: string, atMs: number) => void): void {
  const work = join(dir, 'work');
  const files = existsSync(work) ? readdirSync(work).filter((name) => /^\d+\.m4s$/.test(name)) : [];
  const first = Math.min(...files.map((name) => Number.parseInt(name, 10)));
  const spec = JSON.parse(readFileSync(join(dir, 'spec.json'), 'utf8')) as { rendition: { kind: string } };
  if (files.length > 0)
    note(spec.rendition.kind === 'video' ? 'first part' : 'sound first part', statSync(join(work, `${first}.m4s`)).mtimeMs);
}

function jsonLines(text: string): Record<string, unknown>[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Record<string, unknown>];
    } catch {
      return [];
    }
  });
}

function ignoreGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
