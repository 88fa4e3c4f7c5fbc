/** What is asked of a wire and said to it. */
export type LeechingWire = {
  on(event: 'request', listener: (pieceIndex: number) => void): unknown;
  readonly peerExtendedMapping: { readonly lt_donthave?: number };
  readonly peerChoking: boolean;
  choke(): void;
  destroy(): void;
};

/** So many refusals are a peer that does not understand that pieces have gone; each of its requests costs us an answer. */
const REJECTS_MAX = 50;

/**
 * Keeps peers that ask again and again for what we no longer have from busying us (webtorrent.md §5.2). Each request is
 * refused by webtorrent with our patch. A peer that was told of what went (`lt_donthave`), or that gives us something, is
 * choked until the next round; another one is dropped, and sees what we have when it comes back.
 */
export function guardAgainstStaleRequests(wire: LeechingWire, has: (pieceIndex: number) => boolean): void {
  let rejects = 0;
  wire.on('request', (pieceIndex) => {
    if (has(pieceIndex)) return;
    rejects += 1;
    if (rejects < REJECTS_MAX) return;
    rejects = 0;
    const wasTold = wire.peerExtendedMapping.lt_donthave !== undefined;
    if (wasTold || !wire.peerChoking) wire.choke();
    else wire.destroy();
  });
}
