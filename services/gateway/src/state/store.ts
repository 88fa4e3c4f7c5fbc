/**
 * What may be recomputed or lost: media info, rate limits, hints. Every key has a time to live. Flushing it costs a
 * moment, never a wrong answer; a store that does not answer is like an empty one.
 */
export interface Store extends AsyncDisposable {
  /** The value, or undefined when there is none, it has expired, or the store does not answer. */
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string, ttlSeconds: number): Promise<void>;
  /** Forgets the keys, as far as they are there. */
  drop(keys: readonly string[]): Promise<void>;
  /**
   * Takes one of at most `limit` turns in the window that the first taken turn opens. True: go ahead, also when the store
   * does not answer: a limit protects, it must not lock everybody out.
   */
  takeTurn(key: string, limit: number, windowSeconds: number): Promise<boolean>;
}
