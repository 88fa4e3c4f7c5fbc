import type { Hint, Stage, SwarmStats } from '@lodestream/shared';
import { count, formatRate } from './format.ts';

/** What the viewer waits for, in words. */
const STAGE_WORDS: Record<Stage, string> = {
  'finding-peers': 'Looking for people who share this',
  metadata: 'Asking what is inside',
  'first-pieces': 'Fetching the beginning',
  probing: 'Reading the film’s details',
  encoding: 'Preparing the picture',
  ready: 'Starting',
};

/** The same once the film has begun: the wait is for the part that comes next. */
const LATER_STAGE_WORDS: Record<Stage, string> = {
  ...STAGE_WORDS,
  metadata: 'Opening the torrent again',
  'first-pieces': 'Fetching this part',
  encoding: 'Preparing this part',
  ready: 'Loading',
};

/** What is wrong beside it, while the server keeps trying. */
const HINT_WORDS: Record<Hint, string> = {
  'no-peers': 'Nobody who shares this has been found yet. It may still turn up.',
  'no-seeders': 'The people sharing this do not have all of it between them. Parts may be missing.',
  'slow-swarm': 'It comes in more slowly than it plays, so expect pauses.',
  busy: 'The server is busy with other viewers. You are in line.',
  restarting: 'A part of the server is starting again. One moment.',
};

/** The most telling hint first: one line is read, three are not. */
const HINT_ORDER: readonly Hint[] = ['restarting', 'no-peers', 'no-seeders', 'busy', 'slow-swarm'];

export function stageWords(stage: Stage, hasBegun = false): string {
  return hasBegun ? LATER_STAGE_WORDS[stage] : STAGE_WORDS[stage];
}

/** One sentence on what is wrong, or null. */
export function hintWords(hints: readonly Hint[]): string | null {
  const first = HINT_ORDER.find((hint) => hints.includes(hint));
  return first ? HINT_WORDS[first] : null;
}

/** `3 peers · 1.2 MB/s`; peers alone while nothing comes in, nothing at all while there is nobody. */
export function swarmWords(swarm: SwarmStats): string {
  if (swarm.peers === 0 && swarm.downloadBytesPerSecond < 1) return '';
  const words = [count(swarm.peers, 'peer')];
  if (swarm.downloadBytesPerSecond >= 1) words.push(formatRate(swarm.downloadBytesPerSecond));
  return words.join(' · ');
}
