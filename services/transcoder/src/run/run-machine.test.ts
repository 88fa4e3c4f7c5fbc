import { expect, test } from 'vitest';
import { nextRunState, type RunEvent, type RunState } from './run-machine.ts';

const walk = (events: RunEvent[]): RunState => events.reduce(nextRunState, { phase: 'starting' } as RunState);

test.each<[string, RunEvent[], RunState]>([
  ['a first part makes it run', [{ type: 'part-made' }], { phase: 'running' }],
  ['it wakes as what it was: starting', [{ type: 'slept' }, { type: 'woken' }], { phase: 'starting' }],
  [
    'it wakes as what it was: running',
    [{ type: 'part-made' }, { type: 'slept' }, { type: 'slept' }, { type: 'woken' }],
    { phase: 'running' },
  ],
  [
    'a part made while it fell asleep counts',
    [{ type: 'slept' }, { type: 'part-made' }, { type: 'woken' }],
    { phase: 'running' },
  ],
  ['a wake without a sleep is nothing', [{ type: 'woken' }], { phase: 'starting' }],
  [
    'the first end stays',
    [
      { type: 'ended', outcome: 'broken', reason: 'a' },
      { type: 'ended', outcome: 'finished' },
      { type: 'part-made' },
      { type: 'slept' },
    ],
    { phase: 'ended', outcome: 'broken', reason: 'a' },
  ],
])('%s', (_title, events, state) => {
  expect(walk(events)).toEqual(state);
});
