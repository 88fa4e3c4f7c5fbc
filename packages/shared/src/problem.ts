import { z } from 'zod';
import { Stage } from './viewer-stage.ts';

/**
 * The one table of errors: code → HTTP status and title. A code is stable; clients decide by it, never by the text.
 * Bodies follow RFC 9457 (`application/problem+json`). 5xx are "try again", 4xx are final.
 */
export const PROBLEMS = {
  'invalid-request': { status: 400, title: 'The request is not valid' },
  'invalid-magnet': { status: 400, title: 'This is not a magnet link that we can read' },
  'invalid-torrent': { status: 422, title: 'This torrent is broken' },
  'torrent-too-large': { status: 422, title: 'This torrent is larger than this server accepts' },
  'torrent-v2-only': { status: 422, title: 'BitTorrent v2-only torrents are not supported' },
  denied: { status: 451, title: 'The operator of this server has blocked this torrent' },
  'torrent-unknown': { status: 404, title: 'This torrent is not open here: post its magnet again' },
  'file-unknown': { status: 404, title: 'There is no such file in this torrent' },
  'rendition-unknown': { status: 404, title: 'There is no such rendition of this file' },
  'segment-unknown': { status: 404, title: 'There is no such segment' },
  'not-playable': { status: 422, title: 'This file cannot be played' },
  'range-not-satisfiable': { status: 416, title: 'The range lies outside of the file' },
  'body-too-large': { status: 413, title: 'The request body is too large' },
  'unsupported-media-type': { status: 415, title: 'The content type of the request is not supported' },
  'host-not-allowed': { status: 421, title: 'This server does not answer to that name' },
  'origin-not-allowed': { status: 403, title: 'Requests from other sites are not allowed' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'not-ready': { status: 503, title: 'Not ready yet' },
  busy: { status: 503, title: 'The server is busy' },
  'storage-full': { status: 503, title: 'The disk of the server is full' },
  'workload-failed': { status: 503, title: 'A part of the server failed and is being restarted' },
  draining: { status: 503, title: 'This part of the server is going away' },
  internal: { status: 500, title: 'Something went wrong on the server' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof PROBLEMS;
export const PROBLEM_CODES = Object.keys(PROBLEMS) as [ProblemCode, ...ProblemCode[]];

/** Why a file is `not-playable`; a closed set, so that the page can say it in the viewer's words. */
export const NotPlayableReason = z.enum([
  'no-media-streams',
  'unknown-format',
  'format-not-allowed',
  'codec-not-allowed',
  'picture-too-large',
  'no-duration',
  'damaged',
]);
export type NotPlayableReason = z.infer<typeof NotPlayableReason>;

/** An RFC 9457 problem document. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.enum(PROBLEM_CODES),
  detail: z.string().optional(),
  stage: Stage.optional(),
  reason: NotPlayableReason.optional(),
  retryAfterSeconds: z.number().optional(),
});
export type Problem = z.infer<typeof Problem>;

export type ProblemDetails = Partial<Pick<Problem, 'detail' | 'stage' | 'reason' | 'retryAfterSeconds'>>;

/** Builds the body of a problem response from its code and the safe details that may leave the server. */
export function buildProblem(code: ProblemCode, details: ProblemDetails = {}): Problem {
  return { ...details, type: `urn:lodestream:problem:${code}`, code, ...PROBLEMS[code] };
}
