/** Parts come in bursts; what was made in less time than this says little. */
const MIN_MS = 250;

export type SpeedFacts = {
  partsMade: number;
  secondsAPart: number;
  /** How long ffmpeg was awake, now and when it had made its first part. */
  awakeMs: number;
  awakeMsAtFirstPart: number | undefined;
};

/**
 * Media seconds a second of an encoder that is under way: its start, and its wait for the first bytes of the source, say nothing of
 * when it will have made what comes next. 0: not known yet.
 */
export function measureSpeed({ partsMade, secondsAPart, awakeMs, awakeMsAtFirstPart }: SpeedFacts): number {
  const ms = awakeMsAtFirstPart === undefined ? 0 : awakeMs - awakeMsAtFirstPart;
  return ms < MIN_MS ? 0 : ((partsMade - 1) * secondsAPart) / (ms / 1000);
}
