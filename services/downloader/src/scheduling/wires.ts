import { performance } from 'node:perf_hooks';
import type { PeerWire } from 'webtorrent';
import type { Command, WireId } from './piece-progress.ts';
import type { PieceScheduler, Plan } from './piece-scheduler.ts';

/** The late-block rule looks this often; only while something is wanted. */
const TICK_MS = 100;
/** `reqq` of a peer that does not say: libtorrent's and BEP 10's usual value. */
const REQUESTS_MAX_GUESS = 250;

/** Wires that have closed are remembered so many: what they sent may turn out wrong later. */
const DEPARTED_MAX = 200;

/** What brings blocks: a peer's wire, or a web seed that looks like one. */
export type BlockWire = Pick<
  PeerWire,
  'on' | 'once' | 'peerChoking' | 'peerExtendedHandshake' | 'request' | 'cancel' | 'destroy'
> & {
  readonly peerPieces: Pick<PeerWire['peerPieces'], 'get' | 'buffer'>;
  readonly remoteAddress?: string;
  readonly destroyed: boolean;
};

export type WireListener = {
  onBlock(wireId: WireId, pieceIndex: number, offset: number, block: Uint8Array): void;
  /** What is here of the piece is not needed any more. */
  onDropped(pieceIndex: number): void;
};

/**
 * The scheduler's hands: carries its commands to the wires, and the wires' events to it. Blocks are taken from the event
 * `piece`, which also brings those that were cancelled too late; callbacks only tell of failures.
 */
export function createWires(scheduler: PieceScheduler, listener: WireListener) {
  const wires = new Map<WireId, BlockWire>();
  const departed = new Map<WireId, BlockWire>();
  let lastId = 0;
  let isPlanning = false;
  let ticker: NodeJS.Timeout | undefined;

  function add(wire: BlockWire): WireId {
    const id = ++lastId;
    wires.set(id, wire);
    scheduler.addWire(id, {
      hasPiece: (pieceIndex) => wire.peerPieces.get(pieceIndex),
      maxRequests: () => {
        const { reqq } = wire.peerExtendedHandshake;
        return typeof reqq === 'number' && reqq > 0 ? reqq : REQUESTS_MAX_GUESS;
      },
    });
    wire.on('unchoke', () => {
      scheduler.setUnchoked(id, true);
      wake();
    });
    wire.on('choke', () => {
      scheduler.setUnchoked(id, false);
      wake();
    });
    for (const event of ['bitfield', 'have', 'have-all'] as const) wire.on(event, wake);
    wire.on('piece', (pieceIndex, offset, block) => listener.onBlock(id, pieceIndex, offset, block));
    wire.once('close', () => {
      wires.delete(id);
      departed.set(id, wire);
      if (departed.size > DEPARTED_MAX) departed.delete(departed.keys().next().value as WireId);
      scheduler.removeWire(id);
      wake();
    });
    // What came in the same packet as the handshake was said before anyone could listen.
    scheduler.setUnchoked(id, !wire.peerChoking);
    wake();
    return id;
  }

  /** Plans once after the events of this turn; a socket's read brings many blocks at a time. */
  function wake(): void {
    if (isPlanning) return;
    isPlanning = true;
    setImmediate(() => {
      isPlanning = false;
      carryOut(scheduler.plan(performance.now()));
    });
  }

  function carryOut({ commands, dropped }: Plan): void {
    execute(commands);
    for (const pieceIndex of dropped) listener.onDropped(pieceIndex);
  }

  function execute(commands: readonly Command[]): void {
    for (const { kind, wireId, pieceIndex, offset, lengthBytes } of commands) {
      const wire = wires.get(wireId);
      if (!wire) continue;
      if (kind === 'cancel') wire.cancel(pieceIndex, offset, lengthBytes);
      else
        wire.request(pieceIndex, offset, lengthBytes, (error) => {
          if (!error) return;
          scheduler.requestFailed(wireId, pieceIndex, offset, performance.now());
          wake();
        });
    }
  }

  function setTicking(isTicking: boolean): void {
    if (isTicking === (ticker !== undefined)) return;
    clearInterval(ticker);
    ticker = isTicking
      ? setInterval(() => {
          execute(scheduler.planLate(performance.now()));
          wake();
        }, TICK_MS)
      : undefined;
  }

  return {
    add,
    wake,
    execute,
    carryOut,
    setTicking,
    get: (id: WireId) => wires.get(id) ?? departed.get(id),
    close: () => setTicking(false),
  };
}
