import type { InfoHash } from '@lodestream/shared';
import { ProblemError, requestSignal } from '@lodestream/service-kit';
import type { FastifyReply } from 'fastify';
import type { Deps } from './deps.ts';

/** How long a media-path request is held before its first byte; our player waits 60 s (architecture §7). */
export const HOLD_MS = 25_000;

/**
 * Gives `work` a signal that aborts when the client goes or the hold is over; then the answer is 503 with the stage that it
 * waits in. The signal stays good for the client's going away after that.
 */
export async function hold<T>(
  reply: FastifyReply,
  { viewers, holdMs }: Pick<Deps, 'viewers' | 'holdMs'>,
  address: { infoHash: InfoHash; fileIndex?: number },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const gone = requestSignal(reply);
  const deadline = AbortSignal.timeout(holdMs);
  try {
    return await work(AbortSignal.any([gone, deadline]));
  } catch (error) {
    if (!deadline.aborted || gone.aborted) throw error;
    const { stage } = await viewers.event(address.infoHash, address.fileIndex);
    throw new ProblemError('not-ready', { stage, retryAfterSeconds: 1 });
  }
}
