import { shallowReactive, watch } from 'vue';
import { notePosition, parsePositions, resumeKey } from './resume-positions.ts';

/**
 * What the browser remembers for this viewer (localStorage). Every access may fail (private mode, full, forbidden): then it
 * is remembered for this page only.
 */
const PREFERENCES_KEY = 'lodestream:preferences';
const POSITIONS_KEY = 'lodestream:positions';

export interface Preferences {
  volume: number;
  isMuted: boolean;
  audioLanguage: string | null;
  subtitleLanguage: string | null;
  /** Single-character shortcuts (WCAG 2.1.4: can be turned off). */
  areLetterKeysOn: boolean;
}

const DEFAULTS: Preferences = {
  volume: 1,
  isMuted: false,
  audioLanguage: null,
  subtitleLanguage: null,
  areLetterKeysOn: true,
};

export const preferences: Preferences = shallowReactive({ ...DEFAULTS, ...storedPreferences() });

watch(preferences, () => writeText(PREFERENCES_KEY, JSON.stringify(preferences)));

/** The remembered place in a film, in seconds; null to begin at the beginning. */
export function readPosition(infoHash: string, fileIndex: number): number | null {
  return parsePositions(readText(POSITIONS_KEY))[resumeKey(infoHash, fileIndex)]?.seconds ?? null;
}

export function savePosition(infoHash: string, fileIndex: number, seconds: number, durationSeconds: number): void {
  if (!Number.isFinite(durationSeconds) || durationSeconds <= 0) return;
  const positions = parsePositions(readText(POSITIONS_KEY));
  const noted = notePosition(positions, resumeKey(infoHash, fileIndex), seconds, durationSeconds, Date.now());
  writeText(POSITIONS_KEY, JSON.stringify(noted));
}

function storedPreferences(): Partial<Preferences> {
  try {
    const value = JSON.parse(readText(PREFERENCES_KEY) ?? '{}') as Partial<Record<keyof Preferences, unknown>>;
    const known: Partial<Preferences> = {};
    if (typeof value.volume === 'number' && value.volume >= 0 && value.volume <= 1) known.volume = value.volume;
    if (typeof value.isMuted === 'boolean') known.isMuted = value.isMuted;
    if (typeof value.audioLanguage === 'string') known.audioLanguage = value.audioLanguage;
    if (typeof value.subtitleLanguage === 'string') known.subtitleLanguage = value.subtitleLanguage;
    if (typeof value.areLetterKeysOn === 'boolean') known.areLetterKeysOn = value.areLetterKeysOn;
    return known;
  } catch {
    return {};
  }
}

function readText(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function writeText(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    // Full or forbidden: not worth a word to the viewer.
  }
}
