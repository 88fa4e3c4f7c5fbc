import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Rendition, type RunSpec, segmentFrameCount } from '@lodestream/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildRunCommand, flattenCommand, INIT_FILE, partFile } from '../src/ffmpeg/ffmpeg-args.ts';
import { planRun } from '../src/run/run-plan.ts';
import { readFragments } from '../src/segments/check-part.ts';
import { readInit } from '../src/segments/read-init.ts';
import { exec, openClipFolder } from './support/clips.ts';
import { type RangeServer, startRangeServer } from './support/range-server.ts';
import { audioRendition, execute, type Made, runSpec, videoRendition } from './support/runs.ts';

/** A film of 23.976 frames a second with B-frames, FLAC and AC-3 at 48 kHz and MP3 at 44.1 kHz; five segments and a bit. */
const SECONDS = 52.4;
const FRAMES = 1256;
const RATE = { num: 24000, den: 1001 };
const folder = openClipFolder();
let film: string;
let server: RangeServer;

beforeAll(async () => {
  film = await folder.make('film', {
    rate: '24000/1001',
    seconds: (FRAMES * 1001) / 24000,
    video: ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '3', '-g', '120'],
    audio: [
      ['-c', 'flac', '-ac', '2'],
      ['-c', 'ac3'],
      ['-c', 'libmp3lame', '-ar', '44100'],
    ],
  });
  server = await startRangeServer(film);
});
afterAll(async () => {
  await server.stop();
  folder[Symbol.dispose]();
});

/** Cuts 0…count−1 into runs of 1 to 3 segments, shuffled, always the same way; the last segment is a run of its own. */
function randomCover(count: number, seed: number): [number, number][] {
  let state = seed;
  const random = () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
  const runs: [number, number][] = [];
  for (let k = 0; k < count - 1; ) {
    const end = Math.min(count - 1, k + 1 + Math.floor(random() * 3));
    runs.push([k, end]);
    k = end;
  }
  runs.push([count - 1, count]);
  return runs
    .map((run) => ({ run, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ run }) => run);
}

async function cover(rendition: Rendition, seed: number): Promise<Made[]> {
  const made: Made[] = [];
  for (const [startSegment, until] of randomCover(rendition.timeline.segmentCount, seed))
    made.push(await execute(runSpec({ file: film, url: server.url, rendition, startSegment, until })));
  return made;
}

function checkGrid(rendition: Rendition, made: Made[]): Buffer[] {
  expect(made.map(({ status }) => status.outcome)).toEqual(made.map(() => 'finished'));
  expect(new Set(made.map(({ init }) => createHash('sha1').update(init).digest('hex'))).size).toBe(1);
  const { timescale } = readInit(made[0]?.init as Buffer) as { timescale: number };
  const step = (rendition.timeline.frameTicks * timescale) / rendition.timeline.timescale;
  const all = new Map(made.flatMap(({ segments }) => [...segments]));
  const bodies: Buffer[] = [];
  let frame = 0;
  for (let k = 0; k < rendition.timeline.segmentCount; k++) {
    const parts = all.get(k) as Buffer[];
    const fragments = parts.flatMap((part) => readFragments(part));
    const samples = fragments.flatMap((fragment) => fragment.samples);
    expect(samples.length, `frames of segment ${k}`).toBe(segmentFrameCount(rendition.timeline, k));
    expect(fragments[0]?.decodeTicks, `start of segment ${k}`).toBe(frame * step);
    expect(samples[0]?.isSync).toBe(true);
    frame += samples.length;
    bodies.push(Buffer.concat(parts));
  }
  expect(frame).toBe(rendition.timeline.frameCount);
  return [made[0]?.init as Buffer, ...bodies];
}

test('video runs in random order make one film: every frame once, in place, with one init', async () => {
  const rendition = videoRendition(RATE, FRAMES);
  const bytes = checkGrid(rendition, await cover(rendition, 7));
  const file = join(folder.path, 'video.mp4');
  writeFileSync(file, Buffer.concat(bytes));
  const { stderr } = await exec('ffmpeg', ['-v', 'warning', '-xerror', '-err_detect', 'explode', '-i', file, '-f', 'null', '-']);
  expect(stderr).toBe('');
});

test.each([
  // Bit-exact: constant quality has no rate state, and four frames of preroll hold all that an AAC frame looks back at.
  ['FLAC at 48 kHz', 1, 0],
  // ffmpeg's AC-3 decoder fills empty bands with noise of its own, which depends on where it started.
  ['AC-3 at 48 kHz', 2, 0.02],
  // Matroska rounds time stamps to milliseconds: MP3 moves by up to half of one between runs, 0.35 of a tone of 100 Hz.
  ['MP3 at 44.1 kHz', 3, 0.35],
])('audio runs in random order decode to what one pass decodes to: %s', async (_name, streamIndex, maxDifference) => {
  const rendition = audioRendition(SECONDS, streamIndex);
  const bytes = checkGrid(rendition, await cover(rendition, 3 + streamIndex));
  const last = rendition.timeline.segmentCount - 1;
  const one = await execute(runSpec({ file: film, url: server.url, rendition, until: last }));
  const mixed = decode(Buffer.concat(bytes));
  const whole = decode(Buffer.concat([one.init, ...[...one.segments.values()].flat()]));
  const samples = last * rendition.timeline.framesPerSegment * 1024;
  let power = 0;
  let difference = 0;
  // Without the last frame: the pass ends there, and its overlap has nothing to add to.
  for (let i = 0; i < (samples - 1024) * 2; i++) {
    power += whole.readFloatLE(4 * i) ** 2;
    difference += (mixed.readFloatLE(4 * i) - whole.readFloatLE(4 * i)) ** 2;
  }
  expect(Math.sqrt(difference / power)).toBeLessThanOrEqual(maxDifference);
});

function decode(bytes: Buffer): Buffer {
  return execFileSync('ffmpeg', ['-v', 'error', '-i', 'pipe:0', '-f', 'f32le', '-ac', '2', 'pipe:1'], {
    input: bytes,
    maxBuffer: 256 * 1024 ** 2,
  });
}

test.each([
  ['Matroska', 'matroska', true],
  // Without an index a seek may land after its target: only the long preroll finds the group of pictures before.
  ['MPEG-TS', 'mpegts', false],
])(
  'the pictures of a run that starts anywhere are those of one pass, every frame equal: %s',
  async (_name, container, isIndexed) => {
    const file = isIndexed
      ? film
      : await folder.make('film', {
          rate: '24000/1001',
          seconds: (FRAMES * 1001) / 24000,
          extension: 'ts',
          video: ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '2', '-g', '240'],
        });
    const rendition = videoRendition(RATE, FRAMES);
    const count = rendition.timeline.segmentCount;
    const make = ([startSegment, until]: number[]) => {
      return lossless(
        runSpec({
          file,
          url: server.url,
          rendition,
          startSegment: startSegment as number,
          until: until as number,
          container,
          isIndexed,
        }),
        file,
      );
    };
    const reference = await hashes(
      [
        [0, count - 1],
        [count - 1, count],
      ].map(make),
    );
    expect(reference.length).toBe(FRAMES);
    const mixed = [
      [2, 4],
      [0, 1],
      [4, 5],
      [1, 2],
      [count - 1, count],
    ].map(make);
    expect(await hashes(mixed.sort((a, b) => a.firstPart - b.firstPart))).toEqual(reference);
  },
);

/** The command of a run with a lossless encoder in place of the real one: everything that decides the frames is the same. */
function lossless(spec: RunSpec, file: string): { firstPart: number; bytes: Buffer } {
  const directory = join(folder.path, `lossless-${spec.container}-${spec.startSegment}-${spec.until}`);
  mkdirSync(directory, { recursive: true });
  const argv = flattenCommand(buildRunCommand(spec, file)).map(
    (option) => ({ high: 'high444', 'http,tcp': 'file' })[option] ?? option,
  );
  const at = argv.indexOf('-crf');
  argv.splice(at, 6, '-qp', '0');
  execFileSync('ffmpeg', argv, { cwd: directory, stdio: ['ignore', 'ignore', 'pipe'] });
  const parts = readdirSync(directory)
    .filter((name) => /^\d+\.m4s$/.test(name))
    .map((name) => Number.parseInt(name, 10))
    .sort((a, b) => a - b);
  return {
    firstPart: planRun(spec).firstPart,
    bytes: Buffer.concat([INIT_FILE, ...parts.map(partFile)].map((name) => readFileSync(join(directory, name)))),
  };
}

async function hashes(pieces: { bytes: Buffer }[]): Promise<string[]> {
  const lines: string[] = [];
  for (const [i, { bytes }] of pieces.entries()) {
    const file = join(folder.path, `piece-${i}.mp4`);
    writeFileSync(file, bytes);
    const { stdout } = await exec('ffmpeg', ['-v', 'error', '-i', file, '-f', 'framemd5', '-'], { maxBuffer: 16 * 1024 ** 2 });
    lines.push(
      ...stdout
        .split('\n')
        .filter((line) => line && !line.startsWith('#'))
        .map((line) => line.split(',').at(-1) as string),
    );
  }
  return lines;
}
