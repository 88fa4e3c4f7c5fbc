import { randomBytes } from 'node:crypto';
import { InfoHash } from '@lodestream/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { downloaderName, logId, probeName, runName, workloadToken } from './workload-name.ts';

/** RFC 1123 §2.1 as Kubernetes reads it: what a pod and a host may be called. */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

const infoHashes = fc
  .uint8Array({ minLength: 20, maxLength: 20 })
  .map((bytes) => InfoHash.parse(Buffer.from(bytes).toString('hex')));
const fileIndexes = fc.nat(99_999);
const renditionIds = fc.stringMatching(/^[a-z][a-z0-9]{0,15}-[0-9a-f]{8}$/);
const addresses = fc.tuple(infoHashes, fileIndexes, renditionIds, fc.nat(999_999), fc.nat(99));

describe('workload names', () => {
  it('are DNS-1123 labels of at most 63 characters for all that the routes let in', () => {
    fc.assert(
      fc.property(addresses, ([infoHash, fileIndex, renditionId, segmentIndex, index]) => {
        for (const name of [
          downloaderName(infoHash),
          probeName(infoHash, fileIndex),
          runName(infoHash, fileIndex, renditionId, segmentIndex, index),
        ])
          expect(name).toMatch(LABEL);
      }),
    );
  });

  it('are the same for the same, and distinct for distinct', () => {
    fc.assert(
      fc.property(addresses, addresses, (a, b) => {
        expect(runName(...a)).toBe(runName(...a));
        expect(runName(...a) === runName(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
        const [hashA, fileA] = a;
        const [hashB, fileB] = b;
        expect(probeName(hashA, fileA) === probeName(hashB, fileB)).toBe(hashA === hashB && fileA === fileB);
        expect(downloaderName(hashA) === downloaderName(hashB)).toBe(hashA === hashB);
      }),
    );
  });

  it('do not run neighbours together: file 1 of rendition 2x is not file 12 of rendition x', () => {
    const infoHash = InfoHash.parse('a'.repeat(40));
    const names = new Set([
      runName(infoHash, 1, 'v1-00000000', 23, 0),
      runName(infoHash, 1, 'v1-00000000', 2, 3),
      runName(infoHash, 11, 'v1-00000000', 2, 3),
      runName(infoHash, 1, 'v11-0000000', 2, 3),
      runName(infoHash, 1, 'v1-00000000', 2, 30),
      probeName(infoHash, 1),
      probeName(infoHash, 11),
      downloaderName(infoHash),
    ]);
    expect(names.size).toBe(8);
  });

  it('are those of the architecture', () => {
    const infoHash = InfoHash.parse('0123456789abcdef0123456789abcdef01234567');
    expect(downloaderName(infoHash)).toBe(`dl-${infoHash}`);
    expect(runName(infoHash, 0, 'v720-1f3a9c02', 17, 1)).toMatch(/^tc-[a-z2-7]{20}-17-1$/);
    expect(probeName(infoHash, 0)).toMatch(/^pr-[a-z2-7]{20}$/);
  });
});

describe('workloadToken', () => {
  it('is another for every name and every key, and long enough to never be guessed', () => {
    const key = randomBytes(32);
    expect(workloadToken(key, 'dl-a')).toMatch(/^[0-9a-f]{64}$/);
    expect(workloadToken(key, 'dl-a')).toBe(workloadToken(key, 'dl-a'));
    expect(workloadToken(key, 'dl-a')).not.toBe(workloadToken(key, 'dl-b'));
    expect(workloadToken(key, 'dl-a')).not.toBe(workloadToken(randomBytes(32), 'dl-a'));
  });
});

describe('logId', () => {
  it('keeps the kind and nothing of the info hash', () => {
    fc.assert(
      fc.property(infoHashes, (infoHash) => {
        const id = logId(randomBytes(32), downloaderName(infoHash));
        expect(id).toMatch(/^dl-[0-9a-f]{8}$/);
        expect(infoHash).not.toContain(id.slice(3));
      }),
      { numRuns: 20 },
    );
  });
});
