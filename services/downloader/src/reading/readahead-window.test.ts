import { describe, expect, it } from 'vitest';
import { planWantedPieces, type ReaderView, readerWindow, WINDOW_MAX_BYTES, windowBytes } from './readahead-window.ts';

const MIB = 1024 * 1024;
const END = 4096 * MIB;
let lastId = 0;
const reader = (playheadMiB: number, changes: Partial<ReaderView> = {}): ReaderView => ({
  id: ++lastId,
  playhead: playheadMiB * MIB,
  end: END,
  deliveredBytes: 0,
  want: { urgency: 'held', seconds: 0 },
  ...changes,
});
const order = (readers: ReaderView[], prepared: number[] = [], have: number[] = []) =>
  planWantedPieces(readers, prepared, MIB, (pieceIndex) => !have.includes(pieceIndex));

describe('the window', () => {
  it('begins with two pieces, however large they are', () => {
    expect(readerWindow(reader(0), 16 * MIB)).toEqual({ start: 0, end: 16 * MIB + 1 });
    expect(order([reader(10)]).order).toEqual([10, 11]);
  });

  it('grows with what was taken, to 32 MiB', () => {
    expect(windowBytes(0)).toBe(MIB);
    expect(windowBytes(2 * MIB)).toBe(2 * MIB);
    expect(windowBytes(20 * MIB)).toBe(11 * MIB);
    expect(windowBytes(END)).toBe(WINDOW_MAX_BYTES);
  });

  it('is never shorter than what peers that pause want to be asked for at once', () => {
    expect(windowBytes(0, 4 * MIB)).toBe(5 * MIB);
    expect(windowBytes(20 * MIB, 4 * MIB)).toBe(11 * MIB);
    expect(readerWindow(reader(0), MIB, { pauseBytes: 4 * MIB, limitBytes: 3 * MIB })).toEqual({ start: 0, end: 3 * MIB });
  });

  it('ends where the read ends', () => {
    expect(order([reader(5, { end: 5 * MIB + 10, deliveredBytes: 100 * MIB })]).order).toEqual([5]);
  });

  it('leaves out what is here', () => {
    expect(order([reader(10, { deliveredBytes: 4 * MIB })], [], [10]).order).toEqual([11, 12]);
  });
});

describe('the order', () => {
  const ahead = (seconds: number) => ({ want: { urgency: 'ahead', seconds } as const });
  const held = (seconds: number) => ({ want: { urgency: 'held', seconds } as const });

  it('has what held requests wait for before all reading ahead', () => {
    expect(order([reader(100, ahead(1)), reader(200, held(99))])).toEqual({ order: [200, 201, 100, 101], urgentCount: 2 });
  });

  it('has the earlier media second first, whoever came first', () => {
    expect(order([reader(300, held(50)), reader(100, held(10))]).order).toEqual([100, 101, 300, 301]);
  });

  it('takes turns only inside a tie, and there a new reader goes first', () => {
    const running = reader(100, { ...held(10), deliveredBytes: 8 * MIB });
    expect(order([running, reader(300, held(10))]).order).toEqual([300, 100, 301, 101, 102, 103, 104]);
  });

  it('has the next pieces of every held reader before the rest of any window', () => {
    const running = reader(100, { ...held(10), deliveredBytes: 8 * MIB });
    const plan = order([running, reader(300, held(60))]);
    expect(plan.order).toEqual([100, 101, 300, 301, 102, 103, 104]);
    expect(plan.urgentCount).toBe(4);
  });

  it('has a prepared head and tail after what is waited for, and before everything else', () => {
    const running = reader(100, { ...held(0), deliveredBytes: 4 * MIB });
    expect(order([running, reader(500, ahead(0))], [0, 900]).order).toEqual([100, 101, 0, 900, 102, 500, 501]);
    expect(order([], [0, 1, 900])).toEqual({ order: [0, 1, 900], urgentCount: 2 });
  });

  it('names every piece once', () => {
    const { order: pieces } = order([reader(10), reader(10), reader(11)], [10, 11]);
    expect([...pieces].sort()).toEqual([10, 11, 12]);
  });
});
