import type { Rendition } from '@lodestream/shared';

export type PacingFacts = {
  kind: Rendition['kind'];
  isAsleep: boolean;
  /** Parts that exist, counted from the film's start. */
  madeParts: number;
  /** The furthest segment that a viewer has asked for. */
  demandedSegment: number;
  /** How many of them this run has made. */
  ownParts: number;
  partsPerSegment: number;
  hasSlot: boolean;
  /** Since the run was started. */
  ageMs: number;
};

/** Segments of lead over the demand at which a run falls asleep, and at which it wakes (architecture §1.7, §3.9). */
const LEAD_SEGMENTS = {
  video: { asleepAt: 8, awakeAt: 4 },
  // Sound is made fifty times faster than it plays, so it needs no lead: it would take the CPU, the pieces and the line from the picture
  // that somebody waits for. The quarter is what keeps it from sleeping at each part.
  audio: { asleepAt: 0.25, awakeAt: 0 },
} as const;

/**
 * A run of sound begins beside the run of the same moment's picture, and a viewer waits for both. It makes what playing begins with and
 * then leaves the CPU and the line to the picture for the time that a first part of it takes. Four seconds of sound last until it goes on.
 */
const CALM_START = { parts: 8, ms: 2500 };

/** Whether the run should sleep or wake now. Without a slot it sleeps at once; with one, by its lead, with hysteresis. */
export function pickPace(facts: PacingFacts): 'sleep' | 'wake' | 'stay' {
  const { asleepAt, awakeAt } = LEAD_SEGMENTS[facts.kind];
  const isCalm = facts.kind === 'audio' && facts.ageMs < CALM_START.ms && facts.ownParts >= CALM_START.parts;
  if (isCalm) return facts.isAsleep ? 'stay' : 'sleep';
  const leadParts = facts.madeParts - (facts.demandedSegment + 1) * facts.partsPerSegment;
  if (!facts.isAsleep) return !facts.hasSlot || leadParts >= asleepAt * facts.partsPerSegment ? 'sleep' : 'stay';
  return facts.hasSlot && leadParts <= awakeAt * facts.partsPerSegment ? 'wake' : 'stay';
}
