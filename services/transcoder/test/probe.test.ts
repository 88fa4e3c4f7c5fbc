import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createIdleClock } from '@lodestream/service-kit/idle-clock';
import { InfoHash, MediaInfo } from '@lodestream/shared';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startProbe } from '../src/probe/probe.ts';
import { lengthOf, openClipFolder } from './support/clips.ts';
import { type RangeServer, startRangeServer } from './support/range-server.ts';
import { waitUntil } from './support/runs.ts';
import { startWorker } from './support/worker.ts';

const FILE = { infoHash: InfoHash.parse('a'.repeat(40)), fileIndex: 0 };
const folder = openClipFolder();
afterAll(() => folder[Symbol.dispose]());

async function probe(file: string, use?: (server: RangeServer) => void) {
  await using server = await startRangeServer(file);
  use?.(server);
  const spec = {
    kind: 'probe',
    name: 'pr-test',
    ttlSeconds: 60,
    ...FILE,
    source: { url: server.url, token: 'token' },
    lengthBytes: lengthOf(file),
  } as const;
  return await startProbe(spec, { clock: createIdleClock() }).result;
}

async function mediaInfo(file: string): Promise<MediaInfo> {
  const result = await probe(file);
  if (!('mediaInfo' in result))
    throw new Error(`${file}: ${result.problem.code} ${result.problem.reason} ${result.problem.detail}`);
  return MediaInfo.parse(result.mediaInfo);
}

describe('a film', () => {
  test('is described on a timeline that begins at 0, also when its own does not', async () => {
    const file = await folder.make('late', {
      rate: '25',
      seconds: 12,
      audio: [
        ['-c', 'ac3'],
        ['-c', 'aac'],
      ],
      video: ['-c:v', 'libx264', '-preset', 'ultrafast', '-output_ts_offset', '3600'],
      extension: 'ts',
    });
    const info = await mediaInfo(file);
    expect(info).toMatchObject({ container: 'mpegts', isIndexed: false });
    expect(info.video[0]).toMatchObject({
      codec: 'h264',
      width: 160,
      height: 90,
      frameRate: { num: 25, den: 1 },
      rotationDegrees: 0,
      isInterlaced: false,
    });
    expect(info.video[0]?.lastFrameSeconds).toBeGreaterThan(11.9);
    expect(info.durationSeconds).toBeLessThan(12.2);
    expect(info.audio.map(({ codec, channels }) => [codec, channels])).toEqual([
      ['ac3', 1],
      ['aac', 1],
    ]);
  });

  test('is described once its missing bytes are there, and by no guess before', async () => {
    const file = await folder.make('waits', { rate: '25', seconds: 5 });
    await using server = await startRangeServer(file);
    server.trouble.missingFrom = 1000;
    const spec = {
      kind: 'probe',
      name: 'pr-test',
      ttlSeconds: 60,
      ...FILE,
      source: { url: server.url, token: 'token' },
      lengthBytes: lengthOf(file),
    } as const;
    const started = startProbe(spec, { clock: createIdleClock() });
    await waitUntil(() => server.bytesSent() >= 1000);
    expect(started.status()).toEqual({ kind: 'probe', phase: 'waiting-for-bytes', idleSeconds: expect.any(Number) });
    server.trouble.missingFrom = 6000;
    await waitUntil(() => started.status().phase === 'probing');
    delete server.trouble.missingFrom;
    const result = await started.result;
    expect(result).toMatchObject({ mediaInfo: { video: [{ lastFrameSeconds: 4.96 }] } });
    expect(result).toEqual(await probe(file));
  });

  test('says tracks, chapters, rotation and shape; titles are one line', async () => {
    const plain = await folder.make('plain', { rate: '30000/1001', seconds: 3, audio: [['-c', 'aac']] });
    const chapters = join(folder.path, 'chapters.txt');
    writeFileSync(chapters, ';FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=2\ntitle=One\n');
    const file = join(folder.path, 'rich.mkv');
    execFileSync('ffmpeg', [
      ...['-v', 'error', '-i', plain, '-i', chapters, '-map', '0', '-map_chapters', '1', '-c', 'copy'],
      ...['-metadata:s:a:0', 'language=ger', '-metadata:s:a:0', 'title=A\n <b>line</b>', '-aspect:v', '4:3', file],
    ]);
    const info = await mediaInfo(file);
    expect(info.video[0]).toMatchObject({ frameRate: { num: 30000, den: 1001 }, sampleAspectRatio: { num: 3, den: 4 } });
    expect(info.audio[0]).toMatchObject({ language: 'ger', title: 'A <b>line</b>' });
    expect(info.chapters).toEqual([{ startSeconds: 0, endSeconds: 2, title: 'One' }]);
  });

  test('is answered over HTTP, or a problem with its reason', async () => {
    const file = await folder.make('http', { rate: '25', seconds: 3 });
    await using server = await startRangeServer(file);
    const spec = {
      kind: 'probe',
      name: 'pr-test',
      ttlSeconds: 60,
      ...FILE,
      source: { url: server.url, token: 'token' },
      lengthBytes: lengthOf(file),
    } as const;
    {
      await using worker = await startWorker(spec);
      expect(MediaInfo.parse(await (await worker.get('/media')).json()).video.length).toBe(1);
      expect(await worker.status()).toMatchObject({ kind: 'probe', phase: 'done' });
    }
    const text = join(folder.path, 'text');
    writeFileSync(text, 'not a film at all, only words');
    await using words = await startRangeServer(text);
    await using worker = await startWorker({ ...spec, source: { url: words.url, token: 'token' }, lengthBytes: lengthOf(text) });
    const refused = await worker.get('/media');
    expect([refused.status, await refused.json()]).toMatchObject([422, { code: 'not-playable', reason: 'unknown-format' }]);
  });
});

describe('a disguised file reaches nothing (security.md 13.7)', () => {
  let hits: string[] = [];
  let canary: http.Server;
  beforeEach(async () => {
    hits = [];
    canary = http.createServer((request, response) => {
      hits.push(request.url ?? '');
      response.end();
    });
    await new Promise<void>((resolve) => canary.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => canary.close());

  test.each([
    ['an HLS playlist', '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nCANARY/hls.ts\n#EXT-X-ENDLIST\n'],
    [
      'an HLS playlist with a key',
      '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXT-X-KEY:METHOD=AES-128,URI="CANARY/key"\n#EXTINF:10,\nseg.ts\n#EXT-X-ENDLIST\n',
    ],
    ['an HLS playlist of a local file', '#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n'],
    ['a concat list', 'ffconcat version 1.0\nfile CANARY/a.ts\n'],
    ['a concat list with its own protocols', 'ffconcat version 1.0\nfile CANARY/a.ts\noption protocol_whitelist http,tcp,file\n'],
    ['SDP', 'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n'],
    [
      'a DASH manifest',
      '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT10S"><Period><AdaptationSet><Representation id="1"><BaseURL>CANARY/a.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>',
    ],
    ['an RTSP reference', 'RTSPtext\nrtsp://127.0.0.1/a\n'],
  ])('%s', async (name, body) => {
    const file = join(folder.path, `${name.replaceAll(' ', '-')}.mp4`);
    writeFileSync(file, body.replaceAll('CANARY', `http://127.0.0.1:${(canary.address() as AddressInfo).port}`));
    expect(await probe(file)).toMatchObject({ problem: { code: 'not-playable', reason: 'format-not-allowed' } });
    expect(hits).toEqual([]);
  });
});

describe('a bomb is refused by its limit (security.md 13.9)', () => {
  const refusals: [string, string[], string, object][] = [
    ['a decoder outside of the list', ['-c:v', 'magicyuv', '-pix_fmt', 'gbrp'], 'avi', { reason: 'codec-not-allowed' }],
    [
      'a picture of 16000 by 16000',
      ['-vf', 'scale=16000:16000', '-frames:v', '1', '-c:v', 'mjpeg', '-strict', 'unofficial'],
      'mkv',
      { reason: 'damaged' },
    ],
  ];
  test.each(refusals)('%s', async (name, options, extension, reason) => {
    const file = await folder.make(name.replaceAll(' ', '-'), { rate: '25', seconds: 0.2, video: options, extension });
    expect(await probe(file)).toMatchObject({ problem: { code: 'not-playable', ...reason } });
  });

  test('damaged films end in an answer: none hangs', async () => {
    const film = readFileSync(await folder.make('whole', { rate: '25', seconds: 2, audio: [['-c', 'aac']] }));
    mkdirSync(join(folder.path, 'damaged'), { recursive: true });
    let state = 1;
    const random = () => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state / 2 ** 31;
    };
    for (let seed = 0; seed < 12; seed++) {
      const bytes = Buffer.from(film);
      for (let i = 0; i < bytes.length / 500; i++)
        bytes[4 + Math.floor(random() * (bytes.length - 4))] = Math.floor(random() * 256);
      const file = join(folder.path, 'damaged', `${seed}.mkv`);
      writeFileSync(file, bytes);
      const result = await probe(file);
      if ('problem' in result) expect(result.problem.code).toBe('not-playable');
      else MediaInfo.parse(result.mediaInfo);
    }
  });
});

/** Real files of other projects; where they are not there, their cases are not run. */
const CORPUS = process.env.LODESTREAM_CORPUS ?? fileURLToPath(new URL('../../../../shared/corpus', import.meta.url));
const manifest = join(CORPUS, 'MANIFEST.json');
type Entry = { path: string; expect: string; why: string; size: number; probe: { data_end?: number; start?: string } };
const entries: Entry[] = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).media : [];
if (entries.length === 0) process.stderr.write(`No corpus in ${CORPUS} (LODESTREAM_CORPUS): its cases are not run.\n`);

describe.runIf(entries.length > 0)('the corpus of real files', () => {
  const titled = (wanted: (entry: Entry) => boolean) => entries.filter(wanted).map((entry) => [entry.path, entry] as const);
  /** Every third film; all of them take a minute more. */
  const sample = process.env.LODESTREAM_CORPUS_ALL ? 1 : 3;

  test.each(titled(({ expect }) => expect === 'reject'))('%s is refused with a reason', async (path) => {
    expect(await probe(join(CORPUS, path))).toMatchObject({
      problem: { code: 'not-playable', reason: expect.any(String), detail: expect.any(String) },
    });
  });

  test.each(titled(({ expect }) => expect === 'audio-only'))('%s is sound without a picture', async (path) => {
    const info = await mediaInfo(join(CORPUS, path));
    expect([info.video.length, info.audio.length > 0]).toEqual([0, true]);
  });

  test.each(titled(({ expect }) => expect.startsWith('play')).filter((_, i) => i % sample === 0))(
    '%s is playable, with its true end',
    async (path, entry) => {
      const info = await mediaInfo(join(CORPUS, path));
      expect(info.video.length).toBeGreaterThan(0);
      const end = entry.probe.data_end;
      // The manifest's end is a packet's time on the file's own clock, of any stream.
      const start =
        info.container === 'mov' || !entry.probe.start ? [0, Number(entry.probe.start ?? 0)] : [Number(entry.probe.start)];
      if (end !== undefined && end !== null)
        expect(Math.min(...start.map((zero) => Math.abs(info.durationSeconds - (end - zero))))).toBeLessThan(0.6);
    },
  );
});
