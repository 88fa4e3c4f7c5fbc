/**
 * One probe: sniff the container, ask ffprobe for the streams, read the packets of the end. Where a byte is missing it
 * waits: its answer is a pure function of the file's bytes, and a file that is not all here yet is not "damaged".
 */
import type { IdleClock } from '@lodestream/service-kit/idle-clock';
import type { MediaInfo, NotPlayableReason, ProbeSpec, ProbeStatus, Problem } from '@lodestream/shared';
import { buildGuardOptions, CONTAINERS, type Container } from '../ffmpeg/allow-lists.ts';
import { openSourceProxy, type SourceProxy } from '../source/source-proxy.ts';
import { openSource, type SourceReader } from '../source/source-reader.ts';
import { FfprobeFailed, runFfprobe } from './ffprobe.ts';
import type { RawProbe } from './raw-probe.ts';
import type { StreamEnd } from './read-tail.ts';
import { SNIFF_BYTES, sniffContainer } from './sniff.ts';

/** The schemas take longer to load than ffprobe to start: they are loaded while it reads. */
const loadReading = () => import('./reading.ts');

/** The head and the index of any honest file; one without an index is read no further (hls.md §10: 1 to 6 MiB). */
const MAX_HEAD_BYTES = 128 * 1024 ** 2;
/** The last ten seconds of 8K are below this; what needs more has no index, and its stated length has to do. */
const MAX_TAIL_BYTES = 64 * 1024 ** 2;

/** ffprobe seeks to the last keyframe before it; no film is longer than a day (security.md §6.5). */
const BEYOND_ANY_FILM_SECONDS = 1e6;
const PACKET_ENTRIES = 'packet=stream_index,pts_time,dts_time,duration_time,flags';

export type ProbeResult = { mediaInfo: MediaInfo } | { problem: Problem };

export type Probe = {
  result: Promise<ProbeResult>;
  /** Resolves when ffprobe has been started, or there is an answer without it. */
  probing: Promise<unknown>;
  status(): ProbeStatus;
  touch(): void;
  leave(): Promise<void>;
};

export function startProbe(spec: ProbeSpec, { clock }: { clock: IdleClock }): Probe {
  const stopping = new AbortController();
  let phase: ProbeStatus['phase'] = 'waiting-for-bytes';
  let answer: ProbeResult | undefined;

  const started = Promise.withResolvers<void>();

  const result = probeSource(spec, stopping.signal, () => {
    phase = 'probing';
    // After the turn in which ffprobe is spawned.
    setTimeout(started.resolve, 0);
  })
    .catch(async (error): Promise<ProbeResult> => {
      process.stderr.write(`${JSON.stringify({ level: 40, msg: 'probe failed', reason: String(error) })}\n`);
      const { buildProblem } = await loadReading();
      return { problem: buildProblem('workload-failed') };
    })
    .then((found) => {
      answer = found;
      phase = 'mediaInfo' in found ? 'done' : 'failed';
      return found;
    });

  return {
    result,
    probing: Promise.race([started.promise, result]),
    status: () => ({ kind: 'probe', phase, ...answer, idleSeconds: clock.idleSeconds() }),
    touch: () => clock.touch(),
    async leave() {
      stopping.abort(new Error('the probe leaves'));
      await result;
    },
  };
}

async function probeSource(spec: ProbeSpec, stop: AbortSignal, onBytes: () => void): Promise<ProbeResult> {
  if (spec.lengthBytes === 0) return notPlayable('unknown-format', 'the file is empty');
  const source = openSource(spec.source, spec.lengthBytes, { urgency: 'held', seconds: 0 });
  // A source that has become another file cannot be probed: the signal ends ffprobe before it sees an end.
  const broken = new AbortController();
  const signal = AbortSignal.any([stop, broken.signal]);
  let proxy: SourceProxy | undefined;
  try {
    const sniffed = sniffContainer(await readHead(source, spec.lengthBytes, signal));
    if (!('container' in sniffed)) return notPlayable(sniffed.reason, sniffed.detail);
    proxy = await openSourceProxy(source, spec.lengthBytes, (reason) => broken.abort(new Error(reason)));
    onBytes();
    return await askFfprobe(proxy, sniffed.container, signal);
  } finally {
    broken.abort();
    proxy?.close();
    source.close();
  }
}

async function readHead(source: SourceReader, lengthBytes: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source.read(0, Math.min(SNIFF_BYTES, lengthBytes), signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function askFfprobe(proxy: SourceProxy, container: Container, signal: AbortSignal): Promise<ProbeResult> {
  const guards = ['-v', 'error', ...buildGuardOptions(container)];
  const watch = { bytesRead: proxy.bytesRead, isStarved: proxy.isStarved };
  const answer = async (raw: RawProbe, ends: Map<number, StreamEnd>) => {
    const { readProbe } = await loadReading();
    const read = readProbe(raw, container, ends);
    return 'mediaInfo' in read ? { mediaInfo: read.mediaInfo } : notPlayable(read.reason, read.detail);
  };
  const atOnce = CONTAINERS[container].isIndexed ? await askAtOnce(guards, proxy, signal) : undefined;
  if (atOnce) return answer(atOnce.raw, atOnce.ends);
  let raw: RawProbe;
  try {
    const args = [...guards, '-show_format', '-show_streams', '-show_chapters', '-of', 'json', proxy.url];
    const [json, { RawProbe }] = await Promise.all([
      runFfprobe(args, { ...watch, maxBytes: MAX_HEAD_BYTES }, signal),
      loadReading(),
    ]);
    raw = RawProbe.parse(json);
  } catch (error) {
    signal.throwIfAborted();
    const isCodec = error instanceof FfprobeFailed && error.message.includes('not on whitelist');
    if (isCodec) return notPlayable('codec-not-allowed', 'a codec of this file is not supported');
    return notPlayable('damaged', 'this file is damaged, or no film');
  }
  const ends = await readEnds(raw, guards, proxy, signal);
  if (ends?.size === 0) return notPlayable('damaged', 'there is nothing to play in this file');
  return answer(raw, ends ?? new Map());
}

/**
 * Streams and their ends in one ffprobe: an index finds the last keyframe without anybody knowing how long the film is, and a
 * process less is 0.1 s less to wait. Undefined where it does not show the end of every stream: then one is asked after the other.
 */
async function askAtOnce(
  guards: string[],
  proxy: SourceProxy,
  signal: AbortSignal,
): Promise<{ raw: RawProbe; ends: Map<number, StreamEnd> } | undefined> {
  const shown = ['-show_format', '-show_streams', '-show_chapters', '-show_entries', PACKET_ENTRIES];
  const args = [...guards, '-read_intervals', `${BEYOND_ANY_FILM_SECONDS}%`, ...shown, '-of', 'json', proxy.url];
  const watch = { bytesRead: proxy.bytesRead, isStarved: proxy.isStarved, maxBytes: MAX_TAIL_BYTES };
  try {
    const [json, { RawPackets, RawProbe, isPlayed, readStreamEnds }] = await Promise.all([
      runFfprobe(args, watch, signal),
      loadReading(),
    ]);
    const raw = RawProbe.parse(json);
    const ends = readStreamEnds(RawPackets.parse(json));
    return raw.streams.filter(isPlayed).every((stream) => ends.has(stream.index)) ? { raw, ends } : undefined;
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/**
 * Where the streams really end. Undefined where that cannot be told within the bounds, and the stated lengths have to do;
 * empty when the whole file was read and has no packet.
 */
async function readEnds(
  raw: RawProbe,
  guards: string[],
  proxy: SourceProxy,
  signal: AbortSignal,
): Promise<Map<number, StreamEnd> | undefined> {
  const watch = { bytesRead: proxy.bytesRead, isStarved: proxy.isStarved, maxBytes: MAX_TAIL_BYTES };
  const { RawPackets, readStreamEnds, tailStarts } = await loadReading();
  for (const start of tailStarts(raw)) {
    const interval = start === undefined ? [] : ['-read_intervals', `${start.toFixed(3)}%`];
    try {
      const args = [...guards, ...interval, '-show_entries', PACKET_ENTRIES, '-of', 'json', proxy.url];
      const ends = readStreamEnds(RawPackets.parse(await runFfprobe(args, watch, signal)));
      if (ends.size > 0 || start === undefined) return ends;
    } catch {
      signal.throwIfAborted();
      if (start === undefined) return undefined;
    }
  }
  return undefined;
}

async function notPlayable(reason: NotPlayableReason, detail: string): Promise<ProbeResult> {
  const { buildProblem } = await loadReading();
  return { problem: buildProblem('not-playable', { reason, detail }) };
}
