import { expect, test } from 'vitest';
import { type ClipRecipe, makeClip, makeLongFilm, readFrameNumbers, runProcess } from '../src/index.ts';

type Probe = {
  format: { duration: string; start_time: string; format_name: string };
  streams: {
    codec_name: string;
    codec_type: string;
    start_time: string;
    sample_rate?: string;
    channels?: number;
    tags?: { language?: string };
    has_b_frames?: number;
  }[];
};

async function probe(path: string): Promise<Probe> {
  const text = await runProcess('ffprobe', ['-v', 'error', '-show_format', '-show_streams', '-of', 'json', path], {
    timeoutMs: 20_000,
  });
  return JSON.parse(text) as Probe;
}

/** From the first to the end of the last sound, in seconds. */
async function soundEnd(path: string): Promise<number> {
  const entries = ['-show_entries', 'packet=pts_time,duration_time', '-of', 'csv=p=0'];
  const text = await runProcess('ffprobe', ['-v', 'error', '-select_streams', 'a:0', ...entries, path], { timeoutMs: 20_000 });
  const packets = text
    .trim()
    .split('\n')
    .map((line) => line.split(',').map(Number));
  const [first, last] = [packets[0], packets.at(-1)];
  return (last?.[0] ?? 0) + (last?.[1] ?? 0) - (first?.[0] ?? 0);
}

const RECIPES: [string, ClipRecipe, string[]][] = [
  [
    'mkv at 23.976 with two languages',
    {
      durationSeconds: 6,
      audio: [
        { codec: 'ac3', channels: 6, language: 'eng' },
        { codec: 'aac', language: 'fra' },
      ],
    },
    ['h264', 'ac3', 'aac'],
  ],
  [
    'mp4 at 25 with MP3 at 44.1 kHz',
    { durationSeconds: 4, frameRate: '25', container: 'mp4', audio: [{ codec: 'mp3', sampleRate: 44_100 }] },
    ['h264', 'mp3'],
  ],
  ['MPEG-TS at 29.97', { durationSeconds: 4, frameRate: '30000/1001', container: 'ts' }, ['h264', 'aac']],
  [
    'AVI with XviD and B-frames',
    { durationSeconds: 4, frameRate: '25', container: 'avi', video: 'mpeg4', audio: [{ codec: 'mp3' }] },
    ['mpeg4', 'mp3'],
  ],
  ['a picture of 320×180', { durationSeconds: 3, width: 320, height: 180 }, ['h264', 'aac']],
];

test.each(RECIPES)('%s shows its frame numbers in order', async (_name, recipe, codecs) => {
  const clip = await makeClip(recipe);
  const { streams, format } = await probe(clip.path);
  expect(streams.map((stream) => stream.codec_name)).toEqual(codecs);
  expect(Math.abs(Number(format.duration) - clip.durationSeconds)).toBeLessThan(0.1);
  expect(Math.abs((await soundEnd(clip.path)) - clip.durationSeconds)).toBeLessThan(0.1);
  const [picture] = streams;
  expect(Number(picture?.start_time) - Number(format.start_time)).toBeLessThan(0.005);
  const numbers = await readFrameNumbers(clip.path);
  expect(numbers).toEqual(Array.from({ length: clip.frameCount }, (_, n) => n));
});

test('tracks carry their languages, rates and channels', async () => {
  const clip = await makeClip({
    durationSeconds: 6,
    audio: [
      { codec: 'ac3', channels: 6, language: 'eng' },
      { codec: 'aac', language: 'fra' },
    ],
  });
  const audio = (await probe(clip.path)).streams.filter((stream) => stream.codec_type === 'audio');
  expect(audio.map((stream) => [stream.tags?.language, stream.channels])).toEqual([
    ['eng', 6],
    ['fra', 2],
  ]);
});

test('an hour is copied from a minute', async () => {
  const clip = await makeClip({ durationSeconds: 60, width: 320, height: 180 });
  const film = await makeLongFilm(clip, 3600);
  expect(Math.abs(Number((await probe(film.path)).format.duration) - 3600)).toBeLessThan(1);
});
