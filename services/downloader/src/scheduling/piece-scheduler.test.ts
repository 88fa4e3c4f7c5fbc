import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCK_BYTES } from './block.ts';
import type { Command, WireId } from './piece-progress.ts';
import { createPieceScheduler, type Plan, type SchedulerWire } from './piece-scheduler.ts';

const BLOCKS = 16;
const PIECE = BLOCKS * BLOCK_BYTES;
/** In the property: fewer buffers than pieces are wanted. */
const OPEN_MAX = 3 * PIECE;
const all: SchedulerWire = { hasPiece: () => true, maxRequests: () => 250 };
const build = () => createPieceScheduler(() => PIECE, BLOCKS);
type Scheduler = ReturnType<typeof build>;

function addWire(scheduler: Scheduler, id: WireId, view = all): void {
  scheduler.addWire(id, view);
  scheduler.setUnchoked(id, true);
}

const planned = (scheduler: Scheduler, now: number) => scheduler.plan(now).commands;
const requests = (commands: readonly Command[]) => commands.filter((command) => command.kind === 'request');

/** A wire that answers at a rate: it gives back what it owes, oldest first. */
function serve(scheduler: Scheduler, queue: Command[], count: number, now: number): void {
  for (const { wireId, pieceIndex, offset, lengthBytes } of queue.splice(0, count)) {
    const { isComplete } = scheduler.blockReceived(wireId, pieceIndex, offset, lengthBytes, now);
    if (isComplete) scheduler.forgetPiece(pieceIndex);
  }
}

describe('requests', () => {
  it('go out in the order of the pieces and their blocks', () => {
    const scheduler = build();
    addWire(scheduler, 1);
    scheduler.setOrder([7, 3], 1);
    const asked = requests(planned(scheduler, 0));
    expect(asked.map(({ pieceIndex, offset }) => [pieceIndex, offset / BLOCK_BYTES])).toEqual(
      [7, 3].flatMap((pieceIndex) => Array.from({ length: BLOCKS }, (_, block) => [pieceIndex, block])),
    );
  });

  it('go to nobody who chokes, lacks the piece, or has a full queue', () => {
    const scheduler = build();
    scheduler.addWire(1, all);
    addWire(scheduler, 2, { ...all, hasPiece: (pieceIndex) => pieceIndex !== 0 });
    addWire(scheduler, 3, { ...all, maxRequests: () => 5 });
    scheduler.setOrder([0], 1);
    const asked = requests(planned(scheduler, 0));
    expect(new Set(asked.map(({ wireId }) => wireId))).toEqual(new Set([3]));
    expect(asked).toHaveLength(5);
  });

  it('fill the queue of a newcomer that is alone, and try it with a few beside a wire that has proven itself', () => {
    const scheduler = build();
    addWire(scheduler, 1);
    scheduler.setOrder([0, 1, 2, 3, 4, 5], 2);
    const queue = [...planned(scheduler, 0)];
    expect(queue).toHaveLength(64);
    serve(scheduler, queue, 64, 100);
    addWire(scheduler, 2);
    scheduler.setOrder([4, 5, 6, 7, 8, 9], 0);
    const asked = requests(planned(scheduler, 101));
    expect(asked.filter(({ wireId }) => wireId === 2).length).toBeLessThanOrEqual(4);
  });

  it('return when a wire chokes, closes, or refuses, and a refusing wire is left alone for a while', () => {
    const scheduler = build();
    addWire(scheduler, 1);
    addWire(scheduler, 2);
    scheduler.setOrder([0], 1);
    const first = planned(scheduler, 0);
    scheduler.setUnchoked(1, false);
    scheduler.removeWire(2);
    addWire(scheduler, 3);
    const second = requests(planned(scheduler, 1));
    expect(second).toHaveLength(first.length);
    const [refused] = second as [Command];
    scheduler.requestFailed(3, refused.pieceIndex, refused.offset, 2);
    expect(planned(scheduler, 3)).toEqual([]);
    expect(planned(scheduler, 5000)).toHaveLength(1);
  });
});

describe('what leaves the order', () => {
  it('is cancelled in the same call, and asked for no more', () => {
    const scheduler = build();
    addWire(scheduler, 1);
    scheduler.setOrder([0, 1], 1);
    planned(scheduler, 0);
    const { commands, dropped } = scheduler.setOrder([1], 1);
    expect(commands).toHaveLength(BLOCKS);
    expect(new Set(commands.map(({ kind, pieceIndex }) => `${kind} ${pieceIndex}`))).toEqual(new Set(['cancel 0']));
    expect(dropped).toEqual([0]);
    expect(planned(scheduler, 1)).toEqual([]);
  });

  it('keeps the blocks that are here, for a while', () => {
    const scheduler = build();
    addWire(scheduler, 1);
    scheduler.setOrder([0], 1);
    const queue = [...planned(scheduler, 0)];
    serve(scheduler, queue, 10, 5);
    expect(scheduler.setOrder([], 0).dropped).toEqual([]);
    scheduler.setOrder([0], 1);
    expect(planned(scheduler, 10)).toHaveLength(6);
  });
});

describe('late blocks', () => {
  it('of an urgent piece are asked of a second wire, and the slower of both is cancelled', () => {
    const scheduler = build();
    addWire(scheduler, 1);
    scheduler.setOrder([0, 1, 2], 1);
    const owed = planned(scheduler, 0);
    expect(owed).toHaveLength(3 * BLOCKS);
    addWire(scheduler, 2);
    expect(scheduler.planLate(300)).toEqual([]);
    const late = scheduler.planLate(1500);
    expect(late).toHaveLength(BLOCKS);
    expect(new Set(late.map(({ wireId, pieceIndex }) => `${wireId} ${pieceIndex}`))).toEqual(new Set(['2 0']));
    const outcome = scheduler.blockReceived(2, 0, 0, BLOCK_BYTES, 1600);
    expect(outcome).toMatchObject({ isFresh: true, commands: [{ kind: 'cancel', wireId: 1, pieceIndex: 0, offset: 0 }] });
    expect(scheduler.blockReceived(1, 0, 0, BLOCK_BYTES, 1700)).toMatchObject({ isFresh: false });
  });
});

describe('bad pieces', () => {
  it('are fetched again from one wire alone, while it is there', () => {
    const scheduler = build();
    addWire(scheduler, 1);
    addWire(scheduler, 2);
    scheduler.setOrder([0], 1);
    planned(scheduler, 0);
    scheduler.restartPiece(0, 2, [], 0);
    scheduler.setOrder([0], 1);
    const again = requests(planned(scheduler, 1));
    expect(new Set(again.map(({ wireId }) => wireId))).toEqual(new Set([2]));
    scheduler.removeWire(2);
    expect(requests(planned(scheduler, 2)).every(({ wireId }) => wireId === 1)).toBe(true);
  });

  it('are given to all when the one wire falls silent, or chokes', () => {
    const scheduler = build();
    addWire(scheduler, 1);
    addWire(scheduler, 2);
    scheduler.setOrder([0], 1);
    scheduler.restartPiece(0, 2, [], 0);
    expect(new Set(requests(planned(scheduler, 0)).map(({ wireId }) => wireId))).toEqual(new Set([2]));
    scheduler.setUnchoked(2, false);
    expect(planned(scheduler, 1000)).toEqual([]);
    expect(new Set(requests(planned(scheduler, 2000)).map(({ wireId }) => wireId))).toEqual(new Set([1]));
  });

  it('make suspects of their senders: nothing is asked of them, and nothing they sent counts, until they are acquitted', () => {
    const scheduler = build();
    addWire(scheduler, 1);
    addWire(scheduler, 2);
    scheduler.setOrder([0, 1, 2], 1);
    const owed = planned(scheduler, 0).filter(({ pieceIndex }) => pieceIndex === 1);
    const bySecond = owed.filter(({ wireId }) => wireId === 2);
    expect(bySecond.length).toBeGreaterThan(3);
    serve(scheduler, [...bySecond], 3, 10);
    const withdrawn = scheduler.restartPiece(0, 1, [2], 20);
    expect(new Set(withdrawn.filter(({ wireId }) => wireId === 2).map(({ kind }) => kind))).toEqual(new Set(['cancel']));
    const again = requests(planned(scheduler, 20));
    expect(new Set(again.map(({ wireId }) => wireId))).toEqual(new Set([1]));
    expect(again.filter(({ pieceIndex }) => pieceIndex === 1)).toHaveLength(bySecond.length);
    expect(scheduler.blockReceived(2, 2, 0, BLOCK_BYTES, 30).isFresh).toBe(false);
    scheduler.acquit([2]);
    scheduler.setOrder([0, 1, 2, 3, 4, 5], 1);
    expect(requests(planned(scheduler, 40)).some(({ wireId }) => wireId === 2)).toBe(true);
  });
});

describe('buffers', () => {
  const small = () => createPieceScheduler(() => PIECE, BLOCKS, 3 * PIECE);

  it('are opened for the first pieces of the order alone, as many as are allowed', () => {
    const scheduler = small();
    addWire(scheduler, 1);
    scheduler.setOrder([4, 5, 6, 7, 8], 1);
    expect(new Set(planned(scheduler, 0).map(({ pieceIndex }) => pieceIndex))).toEqual(new Set([4, 5, 6]));
    expect(scheduler.openBytes()).toBe(3 * PIECE);
  });

  it('are taken from what is not urgent when something becomes urgent', () => {
    const scheduler = small();
    addWire(scheduler, 1);
    scheduler.setOrder([4, 5, 6], 1);
    planned(scheduler, 0);
    scheduler.setOrder([2, 4, 5, 6], 2);
    const { commands, dropped } = scheduler.plan(30);
    expect(dropped).toEqual([6]);
    expect(requests(commands).some(({ pieceIndex }) => pieceIndex === 2)).toBe(true);
    expect(scheduler.openBytes()).toBe(3 * PIECE);
  });

  it('of a piece that nobody can give any more are given up for one that can be had', () => {
    const scheduler = createPieceScheduler(() => PIECE, BLOCKS, PIECE);
    addWire(scheduler, 1);
    addWire(scheduler, 2, { ...all, hasPiece: (pieceIndex) => pieceIndex === 5 });
    scheduler.setOrder([4, 5], 1);
    serve(scheduler, [...planned(scheduler, 0)], 3, 5);
    scheduler.removeWire(1);
    const { commands, dropped } = scheduler.plan(10);
    expect(dropped).toEqual([4]);
    expect(new Set(requests(commands).map(({ pieceIndex }) => pieceIndex))).toEqual(new Set([5]));
  });
});

it('blocks that nobody asked for, of the wrong length or twice are not taken', () => {
  const scheduler = build();
  addWire(scheduler, 1);
  scheduler.setOrder([0], 1);
  planned(scheduler, 0);
  for (const [pieceIndex, offset, lengthBytes] of [
    [9, 0, BLOCK_BYTES],
    [0, 5, BLOCK_BYTES],
    [0, -BLOCK_BYTES, BLOCK_BYTES],
    [0, PIECE, BLOCK_BYTES],
    [0, 0, BLOCK_BYTES - 1],
  ] as const)
    expect(scheduler.blockReceived(1, pieceIndex, offset, lengthBytes, 1).isFresh).toBe(false);
  expect(scheduler.blockReceived(1, 0, 0, BLOCK_BYTES, 1).isFresh).toBe(true);
  expect(scheduler.blockReceived(1, 0, 0, BLOCK_BYTES, 1).isFresh).toBe(false);
});

it('whatever happens, every wanted piece becomes whole, each block once, and nothing unwanted is asked for', () => {
  const event = fc.oneof(
    fc.record({ kind: fc.constant('serve' as const), wire: fc.nat(3), count: fc.integer({ min: 1, max: 20 }) }),
    fc.record({
      kind: fc.constantFrom('choke' as const, 'unchoke' as const, 'leave' as const, 'refuse' as const),
      wire: fc.nat(3),
    }),
    fc.record({ kind: fc.constant('order' as const), pieces: fc.uniqueArray(fc.nat(9), { maxLength: 6 }) }),
    fc.constant({ kind: 'late' as const }),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), (events) => {
      const scheduler = createPieceScheduler(() => PIECE, BLOCKS, OPEN_MAX);
      const queues = new Map<WireId, Command[]>();
      const received = new Map<number, Set<number>>();
      const done = new Set<number>();
      let order: number[] = [0, 1, 2];
      let now = 0;
      const execute = (commands: readonly Command[]) => {
        for (const command of commands) {
          const queue = queues.get(command.wireId) ?? [];
          if (command.kind === 'request') {
            expect(order).toContain(command.pieceIndex);
            expect(received.get(command.pieceIndex)?.has(command.offset) ?? false).toBe(false);
            queue.push(command);
          } else {
            const index = queue.findIndex((each) => each.pieceIndex === command.pieceIndex && each.offset === command.offset);
            if (index !== -1) queue.splice(index, 1);
          }
        }
      };
      const carryOut = ({ commands, dropped }: Plan) => {
        for (const pieceIndex of dropped) received.delete(pieceIndex);
        execute(commands);
        expect(scheduler.openBytes()).toBeLessThanOrEqual(OPEN_MAX);
      };
      const setOrder = (next: number[]) => {
        order = next.filter((pieceIndex) => !done.has(pieceIndex));
        carryOut(scheduler.setOrder(order, 2));
      };
      const join = (id: WireId) => {
        queues.set(id, []);
        addWire(scheduler, id);
      };
      const answer = (id: WireId, count: number) => {
        for (let step = 0; step < count; step++) {
          const block = queues.get(id)?.shift();
          if (!block) return;
          const outcome = scheduler.blockReceived(id, block.pieceIndex, block.offset, block.lengthBytes, now);
          if (outcome.isFresh) {
            const offsets = received.get(block.pieceIndex) ?? new Set();
            expect(offsets.has(block.offset)).toBe(false);
            received.set(block.pieceIndex, offsets.add(block.offset));
          }
          execute(outcome.commands);
          if (!outcome.isComplete) continue;
          expect(received.get(block.pieceIndex)?.size).toBe(BLOCKS);
          done.add(block.pieceIndex);
          execute(scheduler.forgetPiece(block.pieceIndex));
          setOrder(order);
        }
      };
      for (const id of [0, 1, 2, 3]) join(id);
      setOrder(order);
      for (const step of events) {
        now += 150;
        if (step.kind === 'serve') answer(step.wire, step.count);
        else if (step.kind === 'order') setOrder(step.pieces);
        else if (step.kind === 'late') execute(scheduler.planLate(now));
        else if (step.kind === 'choke') {
          scheduler.setUnchoked(step.wire, false);
          queues.set(step.wire, []);
        } else if (step.kind === 'unchoke') scheduler.setUnchoked(step.wire, true);
        else if (step.kind === 'leave') {
          scheduler.removeWire(step.wire);
          join(step.wire);
        } else {
          const block = queues.get(step.wire)?.shift();
          if (block) scheduler.requestFailed(step.wire, block.pieceIndex, block.offset, now);
        }
        carryOut(scheduler.plan(now));
      }
      for (const id of [0, 1, 2, 3]) scheduler.setUnchoked(id, true);
      setOrder([0, 1, 2, 3]);
      for (let round = 0; round < 40; round++) {
        now += 4000;
        carryOut(scheduler.plan(now));
        for (const id of queues.keys()) answer(id, 1000);
      }
      expect([0, 1, 2, 3].every((pieceIndex) => done.has(pieceIndex))).toBe(true);
    }),
    { numRuns: 300 },
  );
});
