import type { Rendition } from '@lodestream/shared';

export type PacingFacts = {
  kind: Rendition['kind'];
  isAsleep: boolean;
  /** Parts that exist, counted from the film's start. */
  madeParts: number;
  /** The furthest segment that a viewer has asked for. */
  demandedSegment: number;
  partsPerSegment: number;
  hasSlot: boolean;
};

/** Segments of lead over the demand at which a run falls asleep, and at which it wakes (architecture §1.7, §3.9). */
const LEAD_SEGMENTS = {
  video: { asleepAt: 8, awakeAt: 4 },
  // Sound is made a hundred times faster than the picture and would take the CPU and the pieces of what is waited for.
  audio: { asleepAt: 2, awakeAt: 1 },
} as const;

/** Whether the run should sleep or wake now. Without a slot it sleeps at once; with one, by its lead, with hysteresis. */
export function pickPace(facts: PacingFacts): 'sleep' | 'wake' | 'stay' {
  const { asleepAt, awakeAt } = LEAD_SEGMENTS[facts.kind];
  const leadParts = facts.madeParts - (facts.demandedSegment + 1) * facts.partsPerSegment;
  if (!facts.isAsleep) return !facts.hasSlot || leadParts >= asleepAt * facts.partsPerSegment ? 'sleep' : 'stay';
  return facts.hasSlot && leadParts <= awakeAt * facts.partsPerSegment ? 'wake' : 'stay';
}
