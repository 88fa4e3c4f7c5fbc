import { expect, it } from 'vitest';
import { judgeRangeAnswer } from './range-answer.ts';

const ASKED = { start: 100, end: 200, fileLengthBytes: 1000 };
const WHOLE = { start: 0, end: 1000, fileLengthBytes: 1000 };
const RANGE = { 'content-range': 'bytes 100-199/1000' };

it.each([
  ['exactly the range', 206, { ...RANGE, 'content-length': '100' }, ASKED],
  ['the range in chunks', 206, RANGE, ASKED],
  ['a range of an unknown length', 206, { 'content-range': 'bytes 100-199/*' }, ASKED],
  ['the whole file where it was asked for', 200, { 'content-length': '1000' }, WHOLE],
])('%s is taken', (_name, status, headers, asked) => {
  expect(judgeRangeAnswer(status, headers, asked)).toEqual({ kind: 'body' });
});

it.each([
  ['the whole file where a range was asked for', 200, { 'content-length': '1000' }, ASKED],
  ['the whole file of another length', 200, { 'content-length': '999' }, WHOLE],
  ['a longer range', 206, { 'content-range': 'bytes 100-200/1000' }, ASKED],
  ['another range', 206, { 'content-range': 'bytes 0-99/1000' }, ASKED],
  ['a file of another length', 206, { 'content-range': 'bytes 100-199/1001' }, ASKED],
  ['no range', 206, {}, ASKED],
  ['several ranges', 206, { 'content-type': 'multipart/byteranges; boundary=x' }, ASKED],
  ['another length', 206, { ...RANGE, 'content-length': '50' }, ASKED],
  ['a compressed body', 206, { ...RANGE, 'content-encoding': 'gzip' }, ASKED],
  ['nothing there', 404, {}, ASKED],
  ['not satisfiable', 416, {}, ASKED],
  ['a redirect to nowhere', 302, {}, ASKED],
])('%s is refused before a byte of it is read', (_name, status, headers, asked) => {
  expect(judgeRangeAnswer(status, headers, asked)).toMatchObject({ kind: 'failed', retryAfterMs: 0 });
});

it('a redirect is followed, and a server that wants a pause gets it, to a limit', () => {
  expect(judgeRangeAnswer(302, { location: '/b' }, ASKED)).toEqual({ kind: 'redirect', location: '/b' });
  expect(judgeRangeAnswer(503, { 'retry-after': '7' }, ASKED)).toMatchObject({ retryAfterMs: 7000 });
  expect(judgeRangeAnswer(429, { 'retry-after': '999999' }, ASKED)).toMatchObject({ retryAfterMs: 60_000 });
  expect(judgeRangeAnswer(429, { 'retry-after': 'Fri, 31 Dec 1999 23:59:59 GMT' }, ASKED)).toMatchObject({ retryAfterMs: 0 });
});
