import type { Failure } from '../api/api-problem.ts';

/**
 * The phases of playback, and every way between them. Pure: (state, event) → state; an event that means nothing in a phase
 * leaves it.
 *
 *   preparing ──▶ playing ⇄ stalled          any ──failed──▶ failed ──load──▶ preparing
 *       │            ⇅  ⇅                    any ──load────▶ preparing
 *       └──────▶ paused seeking ──▶ playing | paused
 *                    ▲
 *   ended ◀── playing└── ended (play, seek)
 */
export type PlayerState =
  /** Nothing was shown yet. */
  | { phase: 'preparing'; wantsToPlay: boolean }
  | { phase: 'playing' }
  | { phase: 'paused' }
  /** Wants to go on, and what comes next is not here yet. */
  | { phase: 'stalled' }
  | { phase: 'seeking'; wantsToPlay: boolean }
  | { phase: 'ended' }
  | { phase: 'failed'; failure: Failure };

export type PlayerEvent =
  | { type: 'load' }
  /** The first picture is there. */
  | { type: 'loaded' }
  | { type: 'play' }
  | { type: 'playing' }
  | { type: 'pause' }
  | { type: 'waiting' }
  | { type: 'seeking' }
  | { type: 'seeked' }
  | { type: 'ended' }
  | { type: 'failed'; failure: Failure };

export const INITIAL_STATE: PlayerState = { phase: 'preparing', wantsToPlay: true };

export function nextPlayerState(state: PlayerState, event: PlayerEvent): PlayerState {
  switch (event.type) {
    case 'load':
      return { phase: 'preparing', wantsToPlay: wantsToPlay(state) || state.phase === 'failed' };
    case 'failed':
      return { phase: 'failed', failure: event.failure };
    case 'loaded':
      return state.phase === 'preparing' && !state.wantsToPlay ? { phase: 'paused' } : state;
    case 'play':
      return onPlay(state);
    case 'playing':
      return state.phase === 'failed' ? state : { phase: 'playing' };
    case 'pause':
      return onPause(state);
    case 'waiting':
      return state.phase === 'playing' ? { phase: 'stalled' } : state;
    case 'seeking':
      return onSeeking(state);
    case 'seeked':
      return onSeeked(state);
    case 'ended':
      return state.phase === 'failed' ? state : { phase: 'ended' };
    default:
      return event satisfies never;
  }
}

/** Would it play if it could: what the play button shows. */
export function wantsToPlay(state: PlayerState): boolean {
  if (state.phase === 'preparing' || state.phase === 'seeking') return state.wantsToPlay;
  return state.phase === 'playing' || state.phase === 'stalled';
}

/** The viewer is waiting for something to come. */
export function isWaiting(state: PlayerState): boolean {
  return state.phase === 'preparing' || state.phase === 'stalled' || state.phase === 'seeking';
}

function onPlay(state: PlayerState): PlayerState {
  if (state.phase === 'preparing' || state.phase === 'seeking') return { ...state, wantsToPlay: true };
  // Until the element says `playing`, a play that was asked for is a wait.
  return state.phase === 'paused' || state.phase === 'ended' ? { phase: 'stalled' } : state;
}

function onPause(state: PlayerState): PlayerState {
  if (state.phase === 'preparing' || state.phase === 'seeking') return { ...state, wantsToPlay: false };
  return state.phase === 'playing' || state.phase === 'stalled' ? { phase: 'paused' } : state;
}

function onSeeking(state: PlayerState): PlayerState {
  if (state.phase === 'preparing' || state.phase === 'failed' || state.phase === 'seeking') return state;
  return { phase: 'seeking', wantsToPlay: wantsToPlay(state) };
}

function onSeeked(state: PlayerState): PlayerState {
  if (state.phase !== 'seeking') return state;
  return state.wantsToPlay ? { phase: 'stalled' } : { phase: 'paused' };
}
