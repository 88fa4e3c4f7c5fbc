import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { guardAgainstStaleRequests, type LeechingWire } from './leecher-guard.ts';

function makeWire(isToldOfLosses: boolean, isChokingUs: boolean) {
  const done: string[] = [];
  const wire = Object.assign(new EventEmitter(), {
    peerExtendedMapping: isToldOfLosses ? { lt_donthave: 7 } : {},
    peerChoking: isChokingUs,
    choke: () => void done.push('choke'),
    destroy: () => void done.push('destroy'),
  }) satisfies LeechingWire;
  guardAgainstStaleRequests(wire, (pieceIndex) => pieceIndex < 10);
  const ask = (pieceIndex: number, count: number) => {
    for (let index = 0; index < count; index++) wire.emit('request', pieceIndex);
  };
  return { ask, done };
}

it.each([
  ['was told what has gone', true, true, 'choke'],
  ['gives us something', false, false, 'choke'],
  ['knows nothing and gives nothing', false, true, 'destroy'],
])('a peer that %s and asks 50 times for what is not here', (_title, isToldOfLosses, isChokingUs, expected) => {
  const { ask, done } = makeWire(isToldOfLosses, isChokingUs);
  ask(3, 1000);
  ask(12, 49);
  expect(done).toEqual([]);
  ask(12, 1);
  expect(done).toEqual([expected]);
});
