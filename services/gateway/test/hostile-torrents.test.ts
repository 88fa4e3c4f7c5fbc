import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { apiPaths, Problem } from '@lodestream/shared';
import { findCorpus, startGateway, type TestGateway } from '@lodestream/testing';
import { describe, expect, it } from 'vitest';

/** A hang is silence; what is read here is read in milliseconds. */
const ANSWER_TIMEOUT_MS = 3000;
const MAGNET = `magnet:?xt=urn:btih:${'ab'.repeat(20)}`;
const CODES = ['invalid-torrent', 'torrent-too-large', 'torrent-v2-only', 'invalid-magnet', 'invalid-request', 'body-too-large'];

const corpus = findCorpus();
type Manifest = { torrents: { file: string; kind: string }[]; magnets: { id: string; uri: string; expect: string }[] };
const manifest: Manifest = corpus
  ? JSON.parse(readFileSync(join(corpus.dir, 'MANIFEST.json'), 'utf8'))
  : { torrents: [], magnets: [] };

/** Posted as they are; the answer is 2xx or a problem with a code of the table, and the gateway answers the next one. */
async function post(gateway: TestGateway, type: string, body: string | Buffer<ArrayBuffer>): Promise<number | string> {
  const response = await fetch(gateway.baseUrl + apiPaths.torrents(), {
    method: 'POST',
    headers: { 'content-type': type },
    body,
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  });
  if (response.ok) {
    await response.body?.cancel();
    return response.status;
  }
  return Problem.parse(await response.json()).code;
}

const info = (fields: string) => `d4:infod${fields}ee`;
const HASH = `6:pieces20:${'h'.repeat(20)}`;
/** security.md §13.1 and §13.3; names that no file of ours ever has are taken, numbers that cannot be are not. */
const DOCUMENTS: [string, string, 'taken' | 'refused'][] = [
  ['a negative length in a list', 'l-3:e', 'refused'],
  ['a negative length in a dictionary', 'd-3:e', 'refused'],
  ['lists nested 50,000 deep', 'l'.repeat(50_000) + 'e'.repeat(50_000), 'refused'],
  ['two million strings', `l${'0:'.repeat(2_000_000)}e`, 'refused'],
  ['a prototype', `d9:__proto__d4:infod6:lengthi1eeee`, 'refused'],
  ['a string longer than the world', '999999999999:a', 'refused'],
  ['nothing', 'de', 'refused'],
  [
    'parent directories',
    info(`5:filesld6:lengthi9e4:pathl2:..2:..3:etc6:passwdeee4:name2:..12:piece lengthi16384e${HASH}`),
    'taken',
  ],
  ['an absolute name', info(`6:lengthi9e4:name11:/etc/passwd12:piece lengthi16384e${HASH}`), 'taken'],
  ['a name of NUL', info(`6:lengthi9e4:name3:a\0b12:piece lengthi16384e${HASH}`), 'taken'],
  ['a negative length', info(`6:lengthi-5e4:name1:x12:piece lengthi16384e${HASH}`), 'refused'],
  ['a piece length of 0', info(`6:lengthi9e4:name1:x12:piece lengthi0e${HASH}`), 'refused'],
  ['a piece length of 2^52', info(`6:lengthi9e4:name1:x12:piece lengthi4503599627370496e${HASH}`), 'refused'],
  [
    'a thousand hashes for one byte',
    info(`6:lengthi1e4:name1:x12:piece lengthi16384e6:pieces20000:${'h'.repeat(20_000)}`),
    'refused',
  ],
  [
    '20,001 files',
    info(`5:filesl${'d6:lengthi0e4:pathl1:xee'.repeat(20_001)}e4:name1:x12:piece lengthi16384e6:pieces0:`),
    'refused',
  ],
];

const MAGNETS: [string, string, 'taken' | 'refused'][] = [
  ['a thousand million files', `${MAGNET}&so=0-999999999`, 'taken'],
  ['a hundred thousand million files', `${MAGNET}&so=0-99999999999`, 'taken'],
  [
    'addresses inside',
    `${MAGNET}&tr=http://169.254.169.254/latest&ws=http://127.0.0.1:6379/&xs=http://10.0.0.1/x&x.pe=127.0.0.1:6379`,
    'taken',
  ],
  ['markup in its name', `${MAGNET}&dn=%3Cscript%3E`, 'taken'],
  ['a prototype', `${MAGNET}&__proto__=1`, 'taken'],
  ['20,000 trackers', MAGNET + Array.from({ length: 20_000 }, (_, index) => `&tr=udp://10.0.0.1:${index}`).join(''), 'refused'],
];

describe('whatever is posted is answered with a code, and the next one is too', () => {
  it('documents and magnets of our own making', async () => {
    await using gateway = await startGateway({ settings: { LODESTREAM_CLIENT_LIMITS: 'off', LODESTREAM_MAX_TORRENTS: '100' } });
    for (const [name, text, verdict] of DOCUMENTS) {
      const outcome = await post(gateway, 'application/x-bittorrent', Buffer.from(text, 'latin1'));
      expect([name, typeof outcome === 'number' ? 'taken' : CODES.includes(outcome) && 'refused']).toEqual([name, verdict]);
    }
    for (const [name, magnet, verdict] of MAGNETS) {
      const outcome = await post(gateway, 'application/json', JSON.stringify({ magnet }));
      expect([name, typeof outcome === 'number' ? 'taken' : CODES.includes(outcome) && 'refused']).toEqual([name, verdict]);
    }
    expect((await fetch(`${gateway.baseUrl}/readyz`)).status).toBe(200);
  });

  it.runIf(corpus)('the invalid torrents and all magnets of the corpus', async () => {
    await using gateway = await startGateway({ settings: { LODESTREAM_CLIENT_LIMITS: 'off', LODESTREAM_MAX_TORRENTS: '100' } });
    for (const { file, kind } of manifest.torrents.filter((each) => each.kind.startsWith('invalid'))) {
      const outcome = await post(gateway, 'application/x-bittorrent', readFileSync(join(corpus?.dir ?? '', file)));
      // What is wrong with the version 2 half of a hybrid does not touch what we read of it.
      const isFine =
        typeof outcome === 'number' ? kind === 'invalid-v2' || file.endsWith('dup-files.torrent') : CODES.includes(outcome);
      expect([file, outcome, isFine]).toEqual([file, outcome, true]);
    }
    for (const { id, uri, expect: verdict } of manifest.magnets) {
      const outcome = await post(gateway, 'application/json', JSON.stringify({ magnet: uri }));
      const isFine =
        typeof outcome === 'number' ? verdict !== 'reject' : CODES.includes(outcome) && !/^accept$|^accept;/.test(verdict);
      expect([id, outcome, isFine]).toEqual([id, outcome, true]);
    }
    expect((await fetch(`${gateway.baseUrl}/readyz`)).status).toBe(200);
  });
});
