import { HINTS, NotPlayableReason, PROBLEM_CODES, STAGES } from '@lodestream/shared';
import { describe, expect, it } from 'vitest';
import { failureWords } from './failure-words.ts';
import { formatBytes, formatRate, formatTime, speakTime } from './format.ts';
import { hintWords, stageWords, swarmWords } from './stage-words.ts';

describe('numbers for people', () => {
  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [999_960, '1.0 MB'],
    [1_460_000_000, '1.5 GB'],
    [120_000_000, '120 MB'],
    [-5, '0 B'],
  ])('%d bytes are %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it('rates are bytes a second', () => expect(formatRate(1_250_000)).toBe('1.3 MB/s'));

  it.each([
    [0, '0:00', '0 seconds'],
    [65.9, '1:05', '1 minute 5 seconds'],
    [3729, '1:02:09', '1 hour 2 minutes 9 seconds'],
    [7200, '2:00:00', '2 hours'],
    [Number.NaN, '0:00', '0 seconds'],
    [Number.POSITIVE_INFINITY, '0:00', '0 seconds'],
  ])('%d s is %s, spoken %s', (seconds, text, spoken) => {
    expect(formatTime(seconds)).toBe(text);
    expect(speakTime(seconds)).toBe(spoken);
  });
});

describe('words for what the server says', () => {
  it('exist for every code, reason, stage and hint', () => {
    for (const code of PROBLEM_CODES) expect(failureWords({ code }).title).not.toBe('');
    for (const reason of NotPlayableReason.options) expect(failureWords({ code: 'not-playable', reason }).advice).not.toBe('');
    for (const stage of STAGES) expect(stageWords(stage)).not.toBe('');
    for (const hint of HINTS) expect(hintWords([hint])).not.toBeNull();
  });

  it('name the reason of an unplayable file', () => {
    expect(failureWords({ code: 'not-playable', reason: 'damaged' }).advice).toContain('damaged');
  });

  it('say one hint, the most telling', () => {
    expect(hintWords([])).toBeNull();
    expect(hintWords(['slow-swarm', 'no-peers'])).toBe(hintWords(['no-peers']));
  });

  it('say nothing of a swarm that is not there', () => {
    const nobody = { peers: 0, seeders: 0, downloadBytesPerSecond: 0, uploadBytesPerSecond: 0, havePieces: 0, pieceCount: 0 };
    expect(swarmWords(nobody)).toBe('');
    expect(swarmWords({ ...nobody, peers: 1 })).toBe('1 peer');
    expect(swarmWords({ ...nobody, peers: 3, downloadBytesPerSecond: 120_000 })).toBe('3 peers · 120 kB/s');
  });
});
