/** Every second has its own pitch, in steps that no codec blurs, so that a sound tells which second it is from. */
const STEP_HZ = 60;
export const TONE_STEPS = 10;
/** Far enough from each other that a track's highest second is below the next track's lowest. */
const TRACK_HZ = [400, 1200, 2000, 2800];

/** Pitch of one second of one audio track. */
export function toneHz(trackIndex: number, second: number): number {
  return trackHz(trackIndex) + STEP_HZ * (Math.floor(second) % TONE_STEPS);
}

/** The source filter (`aevalsrc`) of one track. */
export function buildToneSource(trackIndex: number, sampleRate: number, channels: number, durationSeconds: number): string {
  const pitch = `${trackHz(trackIndex)}+${STEP_HZ}*mod(floor(t)\\,${TONE_STEPS})`;
  const channel = `0.25*sin(2*PI*t*(${pitch}))`;
  const layout = channels === 1 ? 'mono' : channels === 2 ? 'stereo' : '5.1';
  return `aevalsrc=exprs='${Array(channels).fill(channel).join('|')}':s=${sampleRate}:c=${layout}:d=${durationSeconds}`;
}

function trackHz(trackIndex: number): number {
  const hz = TRACK_HZ[trackIndex];
  if (hz === undefined) throw new Error(`a clip has at most ${TRACK_HZ.length} audio tracks`);
  return hz;
}
