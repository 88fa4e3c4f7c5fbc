import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  FRESH_MEMORY,
  forgetNetworkTrouble,
  NETWORK_PATIENCE_MS,
  type PlayerFault,
  planRecovery,
  type RecoveryMemory,
} from './recover-error.ts';

const network = (change: Partial<PlayerFault & { kind: 'network' }> = {}): PlayerFault => ({
  kind: 'network',
  isFatal: true,
  status: 0,
  isManifest: false,
  ...change,
});

/** Feeds faults one after the other; what was done each time. */
function play(faults: readonly (readonly [fault: PlayerFault, nowMs: number])[]) {
  let memory: RecoveryMemory = FRESH_MEMORY;
  return faults.map(([fault, nowMs]) => {
    const recovery = planRecovery(fault, memory, nowMs);
    memory = recovery.memory;
    return recovery.action;
  });
}

describe('what is not fatal', () => {
  it('is left to hls.js, stalls above all', () => {
    expect(play([[{ kind: 'media', isFatal: false }, 0]])).toEqual([{ do: 'nothing' }]);
    expect(play([[{ kind: 'other', isFatal: false }, 0]])).toEqual([{ do: 'nothing' }]);
    expect(play([[network({ isFatal: false, status: 503 }), 0]])).toEqual([{ do: 'nothing' }]);
  });
});

describe('a network that is gone', () => {
  it('is asked again with growing pauses', () => {
    const actions = play(Array.from({ length: 6 }, (_, index) => [network(), index * 10_000] as const));
    expect(actions.map((action) => 'afterMs' in action && action.afterMs)).toEqual([500, 1000, 2000, 4000, 5000, 5000]);
  });

  it('is given up after five minutes, not before', () => {
    const [, before, after] = play([
      [network(), 0],
      [network(), NETWORK_PATIENCE_MS],
      [network(), NETWORK_PATIENCE_MS + 1],
    ]);
    expect(before?.do).toBe('load-again');
    expect(after).toEqual({ do: 'give-up', code: 'offline' });
    expect(
      play([
        [network(), 0],
        [network({ status: 503 }), NETWORK_PATIENCE_MS + 1],
      ])[1],
    ).toEqual({ do: 'give-up', code: 'gave-up' });
  });

  it('has its five minutes anew after bytes came', () => {
    const { memory } = planRecovery(network(), FRESH_MEMORY, 0);
    const later = planRecovery(network(), forgetNetworkTrouble(memory), NETWORK_PATIENCE_MS * 2);
    expect(later.action).toEqual({ do: 'load-again', afterMs: 500, isManifest: false });
  });

  it('reads the manifest anew when that is what failed', () => {
    expect(play([[network({ isManifest: true }), 0]])).toEqual([{ do: 'load-again', afterMs: 500, isManifest: true }]);
  });
});

describe('a refusal', () => {
  it.each([400, 403, 404, 410, 422, 451])('of %d is asked about at once, fatal or not', (status) => {
    expect(play([[network({ status, isFatal: false }), 0]])).toEqual([{ do: 'ask-server' }]);
  });

  it.each([0, 408, 425, 429, 500, 502, 503, 504])('is not what %d is', (status) => {
    expect(play([[network({ status }), 0]])[0]?.do).toBe('load-again');
  });

  it('that asking does not cure ends', () => {
    const actions = play(Array.from({ length: 6 }, () => [network({ status: 404 }), 0] as const));
    expect(actions.at(-1)).toEqual({ do: 'give-up', code: 'playback-failed' });
  });
});

describe('a media error', () => {
  const media = { kind: 'media', isFatal: true } as const;

  it('rebuilds twice in ten seconds, then swaps the codec, then ends', () => {
    expect(
      play([
        [media, 0],
        [media, 1000],
        [media, 2000],
        [media, 3000],
      ]),
    ).toEqual([
      { do: 'recover-media', swapAudioCodec: false },
      { do: 'recover-media', swapAudioCodec: false },
      { do: 'recover-media', swapAudioCodec: true },
      { do: 'give-up', code: 'playback-failed' },
    ]);
  });

  it('once in a while is rebuilt every time', () => {
    const actions = play(Array.from({ length: 20 }, (_, index) => [media, index * 11_000] as const));
    expect(actions.every((action) => action.do === 'recover-media' && !action.swapAudioCodec)).toBe(true);
  });

  it('never makes more than three rebuilds in any ten seconds', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 8000 }), { maxLength: 40 }), (gaps) => {
        let nowMs = 0;
        const times = gaps.map((gap) => (nowMs += gap));
        const actions = play(times.map((time) => [media, time] as const));
        const rebuilds = times.filter((_, index) => actions[index]?.do === 'recover-media');
        for (const time of rebuilds)
          expect(rebuilds.filter((at) => at >= time && at < time + 10_000).length).toBeLessThanOrEqual(3);
      }),
    );
  });
});
