import type { Socket } from 'node:net';
import { extended, ID, type MessageListener } from '../raw-peer.ts';

const PIECE_LENGTH = 16_384;

/** Offers these bytes as the info dictionary, and serves what is asked of them (BEP 9). */
export function serveMetadata(socket: Socket, onMessage: (listener: MessageListener) => void, info: Buffer): void {
  socket.write(extended(0, `d1:md11:ut_metadatai1ee13:metadata_sizei${info.length}ee`));
  onMessage((id, body) => {
    if (id !== ID.extended || body[0] !== 1) return;
    const pieceIndex = Number(/5:piecei(\d+)e/.exec(body.toString('latin1'))?.[1] ?? 0);
    const part = info.subarray(pieceIndex * PIECE_LENGTH, (pieceIndex + 1) * PIECE_LENGTH);
    const head = `d8:msg_typei1e5:piecei${pieceIndex}e10:total_sizei${info.length}ee`;
    socket.write(extended(1, Buffer.concat([Buffer.from(head), part])));
  });
}
