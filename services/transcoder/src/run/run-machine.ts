import type { RunOutcome } from '@lodestream/shared';

/**
 * The life of a run: starting → running ⇄ asleep → ended(outcome). A run can fall asleep before its first part; it then
 * wakes as what it was.
 *
 * | event | from | to |
 * |---|---|---|
 * | part-made | starting, running, asleep | running, running, asleep |
 * | slept, woken | starting or running, asleep | asleep, starting or running |
 * | ended | any but ended | ended; the first cause stays |
 */
export type RunState =
  | { phase: 'starting' }
  | { phase: 'running' }
  | { phase: 'asleep'; hasParts: boolean }
  | { phase: 'ended'; outcome: RunOutcome; reason?: string };

export type RunEvent =
  | { type: 'part-made' }
  | { type: 'slept' }
  | { type: 'woken' }
  | { type: 'ended'; outcome: RunOutcome; reason?: string };

export function nextRunState(state: RunState, event: RunEvent): RunState {
  if (state.phase === 'ended') return state;
  switch (event.type) {
    case 'part-made':
      // A part that was renamed just before the signal is still a part.
      return state.phase === 'asleep' ? { phase: 'asleep', hasParts: true } : { phase: 'running' };
    case 'slept':
      return state.phase === 'asleep' ? state : { phase: 'asleep', hasParts: state.phase === 'running' };
    case 'woken':
      return state.phase === 'asleep' ? { phase: state.hasParts ? 'running' : 'starting' } : state;
    case 'ended':
      return { phase: 'ended', outcome: event.outcome, ...(event.reason === undefined ? {} : { reason: event.reason }) };
    default:
      return event satisfies never;
  }
}
