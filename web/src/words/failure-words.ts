import type { NotPlayableReason } from '@lodestream/shared';
import type { Failure, FailureCode } from '../api/api-problem.ts';
import type { InputFault } from '../torrents/torrent-input.ts';

export interface FailureWords {
  title: string;
  /** What the viewer can make of it. */
  advice: string;
  /** True when trying again can help. */
  canRetry: boolean;
}

const WORDS: Record<FailureCode, FailureWords> = {
  'invalid-request': final('That did not make sense to the server', 'Check the link and try once more.'),
  'invalid-magnet': final('That is not a magnet link we can read', 'Copy the whole link, from “magnet:?” to its end.'),
  'invalid-torrent': final(
    'This torrent is broken',
    'What it says about its own files cannot be right. Try another source of it.',
  ),
  'torrent-too-large': final('This torrent is too large', 'It holds more than this server takes on.'),
  'torrent-v2-only': final('This is a v2-only torrent', 'Only BitTorrent v1 and hybrid torrents can be played so far.'),
  denied: final('This torrent is blocked here', 'Whoever runs this server has decided not to serve it.'),
  'torrent-unknown': retry('This torrent is not open any more', 'Open it again with its magnet link.'),
  'file-unknown': final('There is no such file in this torrent', 'The list of files shows what there is.'),
  'rendition-unknown': retry('The server was updated', 'Load the film again to go on.'),
  'segment-unknown': retry('That part of the film does not exist', 'Load the film again to go on.'),
  'not-playable': final('This file cannot be played', 'You can still download it.'),
  'range-not-satisfiable': retry('The server and the browser disagree about this file', 'Load it again.'),
  'body-too-large': final(
    'This .torrent file is too large',
    'A .torrent is rarely larger than a few megabytes. Is it the right file?',
  ),
  'unsupported-media-type': final('That kind of file is not a torrent', 'Choose a file that ends in .torrent.'),
  'host-not-allowed': final('This server does not answer to this address', 'Open it by the address that its operator gave you.'),
  'origin-not-allowed': final('The request came from another site', 'Open this page directly.'),
  'rate-limited': retry('That was a lot of requests', 'Wait a minute, then try again.'),
  'not-found': final('There is nothing here', 'The address may be mistyped.'),
  'not-ready': retry('It is not ready yet', 'The torrent comes in slowly, or nobody shares it right now. Trying again can help.'),
  busy: retry('The server is full', 'Everything it has is in use. Try again in a little while.'),
  'storage-full': retry('The server’s disk is full', 'Space is freed when others stop watching. Try again in a few minutes.'),
  'workload-failed': retry('A part of the server failed', 'It is being started again. Try once more in a moment.'),
  draining: retry('The server is restarting', 'Try again in a moment.'),
  internal: retry('Something went wrong on the server', 'Try again. If it stays like this, the operator should look at it.'),
  offline: retry('The server cannot be reached', 'Check your connection, then try again.'),
  'strange-answer': retry('The server gave an answer we do not understand', 'Loading the page again may help.'),
  'playback-failed': retry('The browser could not go on playing', 'Load the film again: it goes on at the same place.'),
  'no-browser-support': final(
    'This browser cannot play it',
    'It has no Media Source support. A current Firefox, Chrome, Edge or Safari does.',
  ),
  'gave-up': retry('It did not come in time', 'Five minutes without a sign. Try again: it goes on at the same place.'),
};

const REASONS: Record<NotPlayableReason, string> = {
  'no-media-streams': 'There is no picture and no sound in it. You can still download it.',
  'unknown-format': 'Its format is not known here. You can still download it.',
  'format-not-allowed': 'Its format is not one that this server opens. You can still download it.',
  'codec-not-allowed': 'It is in a codec that this server does not open. You can still download it.',
  'picture-too-large': 'Its picture is larger than this server can convert. You can still download it.',
  'no-duration': 'It does not say how long it is, so there is no way to move in it. You can still download it.',
  damaged: 'The file itself is damaged. You can still download it.',
};

/** The viewer's words for a failure. The server's own text is never shown: it is for logs. */
export function failureWords(failure: Failure): FailureWords {
  const words = WORDS[failure.code];
  return failure.reason ? { ...words, advice: REASONS[failure.reason] } : words;
}

const INPUT_WORDS: Record<InputFault, string> = {
  empty: 'Paste a magnet link first.',
  'no-btih': 'This magnet has no info hash, so it cannot be found. Copy the whole link.',
  'v2-only': 'This magnet is for a v2-only torrent. Only v1 and hybrid torrents can be played so far.',
  'too-long': 'That is too long for a magnet link.',
  'web-address': 'That is a web address. Copy the magnet link itself, or drop the .torrent file here.',
  'not-a-magnet': 'That is neither a magnet link nor an info hash (40 hex digits or 32 letters).',
};

export function inputFaultWords(fault: InputFault): string {
  return INPUT_WORDS[fault];
}

function final(title: string, advice: string): FailureWords {
  return { title, advice, canRetry: false };
}

function retry(title: string, advice: string): FailureWords {
  return { title, advice, canRetry: true };
}
