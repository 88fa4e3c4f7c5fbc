import { delay, ProblemError, requestSignal } from '@lodestream/service-kit';
import type { InfoHash, Stage } from '@lodestream/shared';
import type { FastifyReply } from 'fastify';
import type { Deps } from './deps.ts';

/** How long a media-path request is held before its first byte; our player waits 60 s (architecture §7). */
export const HOLD_MS = 25_000;
/** Most time for finding out the stage; a downloader that hangs must not make the request wait longer than it may. */
const STAGE_MS = 500;

/**
 * Gives `work` a signal that aborts when the client goes or the hold is over; then the answer is 503 with the stage that it
 * waits in; or the problem, when the torrent is denied meanwhile. The signal stays good for the client's going away after that.
 */
export async function hold<T>(
  reply: FastifyReply,
  { viewers, holdMs, guard }: Pick<Deps, 'viewers' | 'holdMs' | 'guard'>,
  address: { infoHash: InfoHash; fileIndex?: number },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = requestSignal(reply);
  const denied = guard.signal(address.infoHash);
  const deadline = new AbortController();
  const stageMs = Math.min(STAGE_MS, holdMs / 10);
  // What a downloader that does not answer looks like to everybody.
  let stage: Stage = 'finding-peers';
  let isOver = false;
  const timer = setTimeout(async () => {
    // Asked while the request still waits: once it has been aborted nobody does, and the stage would be another.
    const asked = viewers.event(address.infoHash, address.fileIndex).then((event) => {
      stage = event.stage;
    });
    await Promise.race([asked.catch(() => {}), delay(stageMs)]);
    // What came meanwhile may still be read through this signal.
    if (!isOver) deadline.abort(new Error('the hold is over'));
  }, holdMs - stageMs);
  try {
    return await work(AbortSignal.any([gone, deadline.signal, ...(denied ? [denied] : [])]));
  } catch (error) {
    if (denied?.aborted) throw denied.reason;
    if (!deadline.signal.aborted || gone.aborted) throw error;
    throw new ProblemError('not-ready', { stage, retryAfterSeconds: 1 });
  } finally {
    isOver = true;
    clearTimeout(timer);
  }
}
