import { type DownloaderStatus, HINTS, InfoHash, STAGES } from '@lodestream/shared';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ViewerFacts, viewHints, viewStage } from './viewer-stage.ts';

type Change = Omit<Partial<DownloaderStatus>, 'swarm'> & { swarm?: Partial<DownloaderStatus['swarm']> };

function downloader({ swarm, ...change }: Change = {}): DownloaderStatus {
  return {
    kind: 'downloader',
    infoHash: InfoHash.parse('a'.repeat(40)),
    state: 'ready',
    name: 'a film',
    lengthBytes: 1000,
    pieceLength: 16,
    files: [],
    swarm: {
      peers: 3,
      seeders: 1,
      downloadBytesPerSecond: 1e6,
      uploadBytesPerSecond: 0,
      havePieces: 1,
      pieceCount: 10,
      ...swarm,
    },
    secondsWithoutPeers: 0,
    isIncompleteSwarm: false,
    idleSeconds: 0,
    ...change,
  };
}

function facts(change: Partial<ViewerFacts> = {}): ViewerFacts {
  return {
    workload: 'ready',
    downloader: downloader(),
    media: 'known',
    isWaitedFor: true,
    bitrateBitsPerSecond: 4e6,
    isWithoutSlot: false,
    ...change,
  };
}

const resolving = (peers: number) => downloader({ state: 'resolving', swarm: { peers, havePieces: 0, pieceCount: 0 } });

describe('viewStage', () => {
  it.each([
    ['finding-peers', 'while the downloader does not answer', facts({ downloader: undefined })],
    ['finding-peers', 'without a peer', facts({ downloader: resolving(0) })],
    ['metadata', 'with a peer and no metadata', facts({ downloader: resolving(1) })],
    ['first-pieces', 'before the probe', facts({ media: 'unknown' })],
    ['first-pieces', 'while the probe waits for bytes', facts({ media: 'waiting-for-bytes' })],
    ['probing', 'while it probes', facts({ media: 'probing' })],
    ['encoding', 'while somebody waits for a segment', facts()],
    ['ready', 'while nobody waits', facts({ isWaitedFor: false })],
    ['ready', 'where no file is watched', facts({ media: undefined })],
  ])('is %s %s', (stage, _when, known) => {
    expect(viewStage(known)).toBe(stage);
  });
});

describe('viewHints', () => {
  it('has nothing to say when all is well', () => {
    expect(viewHints(facts())).toEqual([]);
  });

  it.each([
    ['restarting', 'a workload comes back', facts({ workload: 'restarting', downloader: undefined })],
    ['no-peers', 'nobody came for a minute', facts({ downloader: { ...resolving(0), secondsWithoutPeers: 60 } })],
    ['no-seeders', 'the peers together miss pieces', facts({ downloader: downloader({ isIncompleteSwarm: true }) })],
    ['slow-swarm', 'bytes come slower than they play', facts({ bitrateBitsPerSecond: 8e6 + 1 })],
    ['busy', 'it waits for a slot', facts({ isWithoutSlot: true })],
  ])('says %s when %s', (hint, _when, known) => {
    expect(viewHints(known)).toEqual([hint]);
  });

  it.each([
    ['no peer for 59 s', facts({ downloader: { ...resolving(0), secondsWithoutPeers: 59.9 } })],
    ['as fast as it plays', facts({ bitrateBitsPerSecond: 8e6 })],
    [
      'a bit rate that nobody knows',
      facts({ bitrateBitsPerSecond: undefined, downloader: downloader({ swarm: { downloadBytesPerSecond: 0 } }) }),
    ],
    ['slow while nobody waits', facts({ isWaitedFor: false, bitrateBitsPerSecond: 1e9 })],
    ['no slot while nobody waits', facts({ isWaitedFor: false, isWithoutSlot: true })],
    [
      'missing pieces that nobody plays',
      facts({ media: undefined, isWaitedFor: false, downloader: downloader({ isIncompleteSwarm: true }) }),
    ],
  ])('says nothing of %s', (_name, known) => {
    expect(viewHints(known)).toEqual([]);
  });

  it('never complains of a swarm that is not needed any more', () => {
    const whole = downloader({
      swarm: { peers: 0, downloadBytesPerSecond: 0, havePieces: 10, pieceCount: 10 },
      secondsWithoutPeers: 999,
      isIncompleteSwarm: true,
    });
    expect(viewHints(facts({ downloader: whole, bitrateBitsPerSecond: 1e9 }))).toEqual([]);
  });

  it('names a member of the closed set, each once, for any facts', () => {
    const any = fc.record({
      workload: fc.constantFrom('starting', 'ready', 'restarting', 'failed', 'ended'),
      downloader: fc.option(
        fc
          .record({
            state: fc.constantFrom('resolving', 'ready', 'failed', 'leaving'),
            peers: fc.nat(2),
            have: fc.nat(3),
            secondsWithoutPeers: fc.nat(120),
            isIncompleteSwarm: fc.boolean(),
          })
          .map(({ peers, have, ...rest }) =>
            downloader({ ...(rest as Change), swarm: { peers, havePieces: have, pieceCount: 3 } }),
          ),
        { nil: undefined },
      ),
      media: fc.constantFrom(undefined, 'unknown', 'waiting-for-bytes', 'probing', 'known'),
      isWaitedFor: fc.boolean(),
      bitrateBitsPerSecond: fc.option(fc.nat(1e9), { nil: undefined }),
      isWithoutSlot: fc.boolean(),
    }) as fc.Arbitrary<ViewerFacts>;
    fc.assert(
      fc.property(any, (known) => {
        expect(STAGES).toContain(viewStage(known));
        const hints = viewHints(known);
        expect(new Set(hints).size).toBe(hints.length);
        for (const hint of hints) expect(HINTS).toContain(hint);
      }),
    );
  });
});
