import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { INITIAL_STATE, nextPlayerState, type PlayerEvent, type PlayerState, wantsToPlay } from './player-machine.ts';

function after(...types: PlayerEvent['type'][]): PlayerState {
  return types.reduce<PlayerState>(
    (state, type) => nextPlayerState(state, type === 'failed' ? { type, failure: { code: 'internal' } } : { type }),
    INITIAL_STATE,
  );
}

describe('playback', () => {
  it('goes from preparing to playing', () => {
    expect(after('load').phase).toBe('preparing');
    expect(after('load', 'play', 'loaded').phase).toBe('preparing');
    expect(after('load', 'play', 'loaded', 'playing').phase).toBe('playing');
  });

  it('stands paused at the first picture where the browser wants a gesture first', () => {
    expect(after('load', 'play', 'pause', 'loaded')).toEqual({ phase: 'paused' });
    expect(after('load', 'play', 'pause', 'loaded', 'play', 'playing').phase).toBe('playing');
  });

  it('stalls and goes on', () => {
    expect(after('load', 'playing', 'waiting').phase).toBe('stalled');
    expect(after('load', 'playing', 'waiting', 'playing').phase).toBe('playing');
    expect(after('load', 'playing', 'waiting', 'pause').phase).toBe('paused');
  });

  it('remembers over a seek whether it played', () => {
    expect(after('load', 'playing', 'seeking', 'seeked', 'playing').phase).toBe('playing');
    expect(after('load', 'playing', 'pause', 'seeking', 'seeked').phase).toBe('paused');
    expect(after('load', 'playing', 'seeking', 'pause', 'seeked').phase).toBe('paused');
    expect(after('load', 'playing', 'pause', 'seeking', 'play', 'seeked').phase).toBe('stalled');
  });

  it('keeps preparing while it is sought before the first picture', () => {
    expect(after('load', 'seeking').phase).toBe('preparing');
  });

  it('starts again from its end and from a failure', () => {
    expect(after('load', 'playing', 'ended', 'seeking', 'play', 'seeked', 'playing').phase).toBe('playing');
    expect(after('load', 'playing', 'failed', 'playing', 'pause', 'seeking').phase).toBe('failed');
    expect(after('load', 'failed', 'load')).toEqual({ phase: 'preparing', wantsToPlay: true });
  });

  it('never leaves a failure but by loading again', () => {
    const event = fc.constantFrom<PlayerEvent['type']>(
      'loaded',
      'play',
      'playing',
      'pause',
      'waiting',
      'seeking',
      'seeked',
      'ended',
    );
    fc.assert(
      fc.property(fc.array(event), (events) => {
        expect(after('load', 'failed', ...events).phase).toBe('failed');
      }),
    );
  });

  it('does not want to play after a pause, whatever came before', () => {
    const event = fc.constantFrom<PlayerEvent['type']>(
      'load',
      'loaded',
      'play',
      'playing',
      'waiting',
      'seeking',
      'seeked',
      'ended',
    );
    fc.assert(
      fc.property(fc.array(event), (events) => {
        expect(wantsToPlay(after(...events, 'pause'))).toBe(false);
      }),
    );
  });
});
