import { apiPaths, MediaInfo, Problem, Torrent, TorrentEvent } from '@lodestream/shared';
import type { ZodType } from 'zod';
import type { TorrentToAdd } from '../torrents/torrent-input.ts';
import { ApiProblem, offlineProblem, strangeAnswerProblem } from './api-problem.ts';

/** The gateway holds a request for 25 s at most; what takes longer than this has lost its connection. */
const REQUEST_TIMEOUT_MS = 40_000;
/** A .torrent goes up over the viewer's line, which may be slow. */
const UPLOAD_TIMEOUT_MS = 120_000;

/** `POST /api/v1/torrents`. Throws an `ApiProblem`. */
export function addTorrent(source: TorrentToAdd, signal?: AbortSignal): Promise<Torrent> {
  if (source.kind === 'file') {
    return call(Torrent, apiPaths.torrents(), {
      method: 'POST',
      headers: { 'content-type': 'application/x-bittorrent' },
      body: source.file,
      signal: deadline(UPLOAD_TIMEOUT_MS, signal),
    });
  }
  const body = source.kind === 'magnet' ? { magnet: source.magnet } : { infoHash: source.infoHash };
  return call(Torrent, apiPaths.torrents(), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: deadline(REQUEST_TIMEOUT_MS, signal),
  });
}

/** `GET /api/v1/torrents/:infoHash`. Throws an `ApiProblem`, `torrent-unknown` when nobody has opened it here lately. */
export function getTorrent(infoHash: string, signal?: AbortSignal): Promise<Torrent> {
  return call(Torrent, apiPaths.torrent(infoHash), { signal: deadline(REQUEST_TIMEOUT_MS, signal) });
}

/** `GET …/files/:index/media`: what the file holds, or why it cannot be played. Throws an `ApiProblem`. */
export function getMediaInfo(infoHash: string, fileIndex: number, signal?: AbortSignal): Promise<MediaInfo> {
  return call(MediaInfo, apiPaths.media(infoHash, fileIndex), { signal: deadline(REQUEST_TIMEOUT_MS, signal) });
}

/** One `state` message of the event stream; null when it is not one that we understand. */
export function parseTorrentEvent(text: string): TorrentEvent | null {
  try {
    const event = TorrentEvent.safeParse(JSON.parse(text));
    return event.success ? event.data : null;
  } catch {
    return null;
  }
}

async function call<T>(schema: ZodType<T>, path: string, init: RequestInit): Promise<T> {
  let response: Response;
  let body: unknown;
  try {
    response = await fetch(path, init);
    body = await readJson(response);
  } catch (cause) {
    throw new ApiProblem(offlineProblem(), { cause });
  }
  if (!response.ok) {
    const problem = Problem.safeParse(body);
    throw new ApiProblem(problem.success ? problem.data : strangeAnswerProblem(response.status));
  }
  const value = schema.safeParse(body);
  if (!value.success) throw new ApiProblem(strangeAnswerProblem(response.status), { cause: value.error });
  return value.data;
}

/** A body that is no JSON (a proxy's own error page) counts as none; a body that breaks off throws. */
async function readJson(response: Response): Promise<unknown> {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function deadline(timeoutMs: number, signal: AbortSignal | undefined): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}
