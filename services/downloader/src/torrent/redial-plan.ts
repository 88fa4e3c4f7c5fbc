/** How a peer is dialled. `attempt` counts the rounds in which it did nothing for us. */
export type Dial = { transport: 'tcp' | 'utp'; isEncrypted: boolean; attempt: number };

/**
 * What came of it: no connection · a connection without an answer to our handshake · an answer, but it never unchoked us ·
 * it served us.
 */
export type DialEnd = 'unreached' | 'refused' | 'lost' | 'served';

/** Plain TCP: one round trip less than MSE and half of the CPU; who wants MSE hangs up at once and gets it next. */
export const FIRST_DIAL: Dial = { transport: 'tcp', isEncrypted: false, attempt: 0 };

/** The other form of the same round. A moment, because a client that sees the same address twice at once hangs up. */
const ALTERNATE_MS = 100;
/** Before each next round; then never again, until a tracker or a peer names the address anew. */
const ROUND_WAITS_MS = [1000, 5000, 15_000];
/** What an attempt by uTP takes that nobody answers (webtorrent's patch): TCP is not tried later because of it. */
const UTP_ATTEMPT_MS = 1600;

/**
 * The next dial of an address after a connection ended, or null to give up. One round is: plain TCP; encrypted (MSE) if
 * that was refused; uTP if TCP did not reach it or was refused in both forms (a client that has turned TCP off may still
 * accept a connection and drop it). There it is encrypted first: a refusal over uTP is silence for 8 s, and who knows plain
 * alone is rarer than who requires encryption. A form that worked is dialled again.
 */
export function planRedial(dial: Dial, end: DialEnd, hasUtp: boolean): { dial: Dial; waitMs: number } | null {
  if (end === 'served') return { dial: { ...dial, attempt: 0 }, waitMs: ROUND_WAITS_MS[0] as number };
  const other: Dial = { ...dial, isEncrypted: !dial.isEncrypted };
  if (dial.transport === 'tcp') {
    if (end === 'refused' && !dial.isEncrypted) return { dial: other, waitMs: ALTERNATE_MS };
    if (end !== 'lost' && hasUtp) return { dial: { ...dial, transport: 'utp', isEncrypted: true }, waitMs: ALTERNATE_MS };
  } else if (end === 'refused' && dial.isEncrypted) return { dial: other, waitMs: ALTERNATE_MS };

  const waitMs = ROUND_WAITS_MS[dial.attempt];
  if (waitMs === undefined) return null;
  const attempt = dial.attempt + 1;
  if (end === 'lost') return { dial: { ...dial, attempt }, waitMs };
  const spentMs = dial.transport === 'utp' ? UTP_ATTEMPT_MS : 0;
  return { dial: { ...FIRST_DIAL, attempt }, waitMs: Math.max(waitMs - spentMs, ALTERNATE_MS) };
}
