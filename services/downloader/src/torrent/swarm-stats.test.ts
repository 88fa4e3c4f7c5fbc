import { expect, it } from 'vitest';
import { takeCensus } from './swarm-stats.ts';

const bits = (...bytes: number[]) => ({ peerPieces: { get: () => false, buffer: Uint8Array.from(bytes), setAll: () => {} } });
const haveAll = { peerPieces: { get: () => true, buffer: new Uint8Array() } };
const none = Uint8Array.from([0, 0]);

it('counts seeders by their bits or by their word', () => {
  expect(takeCensus([bits(0xff, 0b1100_0000), haveAll, bits(0xff, 0)], none, 10)).toEqual({
    peers: 3,
    seeders: 2,
    isIncomplete: false,
  });
});

it('the swarm is incomplete when we and the peers together lack a piece', () => {
  expect(takeCensus([bits(0xf0, 0), bits(0x0f, 0)], none, 10).isIncomplete).toBe(true);
  expect(takeCensus([bits(0xf0, 0), bits(0x0f, 0)], Uint8Array.from([0, 0xc0]), 10).isIncomplete).toBe(false);
  expect(takeCensus([], none, 10).isIncomplete).toBe(false);
});

it('a peer that has said nothing has nothing', () => {
  expect(takeCensus([bits()], none, 10)).toEqual({ peers: 1, seeders: 0, isIncomplete: true });
});
