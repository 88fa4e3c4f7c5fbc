/**
 * Where an operator's list comes from. A source only fetches: what the text means, and what holds while it fails, is decided in
 * one place for all of them (`denylist.ts`).
 */
export type ListSource = Readonly<{
  /** For logs and metrics: `file`, `config-map`, `url`. */
  name: string;
  everyMs: number;
  /** How long one read may take. */
  withinMs: number;
  /**
   * The present text with a tag that changes with it; undefined when `tag` is still that of the present text. Rejects when it
   * cannot be had, or is larger than a list may be.
   */
  read(tag: string | undefined, signal: AbortSignal): Promise<ListText | undefined>;
  /** The text has been understood. */
  onGood?(list: ListText): Promise<void>;
}>;

export type ListText = Readonly<{ text: string; tag: string }>;
