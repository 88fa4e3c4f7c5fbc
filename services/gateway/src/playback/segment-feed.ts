import type { IncomingMessage } from 'node:http';
import { withSignal } from '@lodestream/service-kit';

/** No encoded segment of ours comes near this: a worker that sends more is broken. */
const MAX_SEGMENT_BYTES = 128 * 1024 * 1024;

/**
 * One segment on its way from a run to any number of viewers: fetched once, handed to each at his own pace, from its first
 * byte on. Stages: opening → streaming → complete | failed. The fetch is aborted when the last viewer has gone.
 *
 * F1. A viewer gets all bytes from the first one, or an error: never a clean end of a short body.
 */
export type SegmentFeed = {
  /** Resolves with the first bytes, or at once when they are here; rejects when the feed fails before. */
  started(): Promise<void>;
  isComplete(): boolean;
  /** Whole body; only when complete. */
  bytes(): Buffer;
  /** All chunks from the first, then those to come. Ends after the last, throws when the feed fails. */
  read(signal: AbortSignal): AsyncGenerator<Buffer>;
  /** A viewer comes; call what is returned once when he goes. */
  join(): () => void;
};

export function createSegmentFeed(
  open: (signal: AbortSignal) => Promise<IncomingMessage>,
  onComplete: (bytes: Buffer) => void,
  onEnd: () => void,
): SegmentFeed {
  const controller = new AbortController();
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  let viewers = 0;
  let state: 'opening' | 'streaming' | 'complete' | 'failed' = 'opening';
  let failure: unknown;
  let wake = Promise.withResolvers<void>();

  const notify = () => {
    wake.resolve();
    wake = Promise.withResolvers();
  };

  const pump = async () => {
    try {
      const response = await open(controller.signal);
      response.once('error', () => {});
      const isWhole = response.headers['x-lodestream-complete'] === '1';
      for await (const chunk of response) {
        sizeBytes += chunk.length;
        if (sizeBytes > MAX_SEGMENT_BYTES) throw new Error('a segment larger than any segment can be');
        chunks.push(chunk);
        // A finished segment is here in a moment: viewers then get it whole, with its length.
        if (!isWhole) state = 'streaming';
        notify();
      }
      if (!response.complete) throw new Error('the run broke off');
      state = 'complete';
      onComplete(Buffer.concat(chunks));
    } catch (error) {
      state = 'failed';
      failure = error;
    } finally {
      notify();
      onEnd();
    }
  };
  void pump();

  return {
    async started() {
      while (state === 'opening') await wake.promise;
      if (state === 'failed') throw failure;
    },
    isComplete: () => state === 'complete',
    bytes: () => Buffer.concat(chunks),
    async *read(signal) {
      for (let next = 0; ; ) {
        signal.throwIfAborted();
        const chunk = chunks[next];
        if (chunk) {
          next++;
          yield chunk;
        } else if (state === 'complete') return;
        else if (state === 'failed') throw failure;
        else await withSignal(wake.promise, signal);
      }
    },
    join() {
      viewers++;
      let hasLeft = false;
      return () => {
        if (hasLeft) return;
        hasLeft = true;
        viewers--;
        if (viewers === 0 && (state === 'opening' || state === 'streaming'))
          controller.abort(new Error('the last viewer has gone'));
      };
    },
  };
}
