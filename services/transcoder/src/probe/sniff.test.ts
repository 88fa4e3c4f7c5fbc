import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sniffContainer } from './sniff.ts';

const ts = (first: number, step: number) => {
  const bytes = Buffer.alloc(4096);
  for (let at = first; at < 4096; at += step) bytes[at] = 0x47;
  return bytes;
};

test.each<[string, Buffer, string]>([
  ['Matroska', Buffer.from('1a45dfa3a3', 'hex'), 'matroska'],
  ['MP4', Buffer.from('\u0000\u0000\u0000\u0020ftypisom'), 'mov'],
  ['QuickTime without ftyp', Buffer.concat([Buffer.alloc(4), Buffer.from('wide')]), 'mov'],
  ['AVI', Buffer.from('RIFF....AVI LIST'), 'avi'],
  ['WAVE', Buffer.from('RIFF....WAVEfmt '), 'wav'],
  ['FLV', Buffer.from('FLV\u0001\u0005'), 'flv'],
  ['Ogg', Buffer.from('OggS\u0000'), 'ogg'],
  ['MPEG-TS', ts(0, 188), 'mpegts'],
  ['M2TS', ts(4, 192), 'mpegts'],
  ['MPEG-PS', Buffer.from('000001ba44', 'hex'), 'mpeg'],
  ['MP3 with a tag', Buffer.from('ID3\u0004\u0000'), 'mp3'],
  ['MP3', Buffer.from('fffb9064', 'hex'), 'mp3'],
  ['ADTS', Buffer.from('fff15080', 'hex'), 'aac'],
  ['FLAC', Buffer.from('fLaC'), 'flac'],
  ['ASF', Buffer.from('3026b2758e66cf11a6d900aa0062ce6c00', 'hex'), 'asf'],
])('%s', (_name, head, container) => {
  expect(sniffContainer(head)).toEqual({ container });
});

test.each([
  ['\ufeff#EXTM3U', 'format-not-allowed'],
  ['\n<?xml version="1.0"?>', 'format-not-allowed'],
  ['ffconcat version 1.0', 'format-not-allowed'],
  ['hello', 'unknown-format'],
  ['', 'unknown-format'],
])('%j is refused: %s', (text, reason) => {
  expect(sniffContainer(Buffer.from(text))).toMatchObject({ reason });
});

test('any bytes get an answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => Object.keys(sniffContainer(Buffer.from(bytes))).length > 0),
  );
});
