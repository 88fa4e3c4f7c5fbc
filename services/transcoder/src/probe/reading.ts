/** All that turns ffprobe's answers into ours, in one place to be loaded late. */
export { buildProblem } from '@lodestream/shared';
export { RawPackets, RawProbe } from './raw-probe.ts';
export { isPlayed, readProbe } from './read-probe.ts';
export { readStreamEnds, tailStarts } from './read-tail.ts';
