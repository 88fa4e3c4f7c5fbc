/** What a key can ask of the player. */
export type PlayerCommand =
  | { do: 'toggle-play' }
  | { do: 'seek-by'; seconds: number }
  | { do: 'seek-to-fraction'; fraction: number }
  | { do: 'change-volume'; by: number }
  | { do: 'toggle-mute' }
  | { do: 'toggle-full-screen' }
  | { do: 'next-subtitles' }
  | { do: 'next-audio' }
  | { do: 'toggle-picture-in-picture' }
  | { do: 'change-speed'; steps: number }
  | { do: 'step-frame'; frames: number }
  | { do: 'show-shortcuts' };

export interface KeyPress {
  key: string;
  code: string;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
  shiftKey: boolean;
}

/** Where the focus is: text fields keep all keys, buttons keep Space and Enter. */
export type KeyTarget = 'page' | 'button' | 'text' | 'menu';

const SMALL_STEP_SECONDS = 5;
const LARGE_STEP_SECONDS = 10;
const VOLUME_STEP = 0.05;

/** For people to read; the same order as the table below. */
export const SHORTCUTS: readonly (readonly [keys: string, action: string])[] = [
  ['Space or K', 'Play, pause'],
  ['← →', '5 seconds back, on'],
  ['J L', '10 seconds back, on'],
  ['↑ ↓', 'Louder, softer'],
  ['M', 'Mute'],
  ['F', 'Full screen'],
  ['C', 'Next subtitles'],
  ['A', 'Next audio track'],
  ['I', 'Picture in picture'],
  ['< >', 'Slower, faster'],
  [', .', 'One picture back, on (paused)'],
  ['0 – 9', 'To that tenth of the film'],
  ['Home End', 'To the start, to the end'],
  ['?', 'This list'],
];

/**
 * The command of a key press, or null. Keys with Ctrl, Alt or Meta belong to the browser. `areLettersOn` is the viewer's
 * switch for single-character shortcuts (WCAG 2.1.4); arrows, Space, Home and End are none.
 */
export function commandOfKey(press: KeyPress, target: KeyTarget, areLettersOn: boolean): PlayerCommand | null {
  if (press.ctrlKey || press.altKey || press.metaKey || target === 'text' || target === 'menu') return null;
  const isSpace = press.key === ' ' || press.key === 'Spacebar';
  if (target === 'button' && (isSpace || press.key === 'Enter')) return null;
  if (isSpace) return { do: 'toggle-play' };
  return commandOfNamedKey(press.key) ?? (areLettersOn ? commandOfCharacter(press) : null);
}

function commandOfNamedKey(key: string): PlayerCommand | null {
  switch (key) {
    case 'ArrowLeft':
      return { do: 'seek-by', seconds: -SMALL_STEP_SECONDS };
    case 'ArrowRight':
      return { do: 'seek-by', seconds: SMALL_STEP_SECONDS };
    case 'ArrowUp':
      return { do: 'change-volume', by: VOLUME_STEP };
    case 'ArrowDown':
      return { do: 'change-volume', by: -VOLUME_STEP };
    case 'Home':
      return { do: 'seek-to-fraction', fraction: 0 };
    case 'End':
      return { do: 'seek-to-fraction', fraction: 1 };
    default:
      return null;
  }
}

function commandOfCharacter(press: KeyPress): PlayerCommand | null {
  const digit = /^[0-9]$/.exec(press.key);
  if (digit && !press.shiftKey) return { do: 'seek-to-fraction', fraction: Number(press.key) / 10 };
  switch (press.key) {
    case '?':
      return { do: 'show-shortcuts' };
    case '<':
      return { do: 'change-speed', steps: -1 };
    case '>':
      return { do: 'change-speed', steps: 1 };
    case ',':
      return { do: 'step-frame', frames: -1 };
    case '.':
      return { do: 'step-frame', frames: 1 };
  }
  // Shift with a letter is not assigned.
  return press.shiftKey ? null : commandOfLetter(letterOf(press));
}

function commandOfLetter(letter: string): PlayerCommand | null {
  switch (letter) {
    case 'k':
      return { do: 'toggle-play' };
    case 'j':
      return { do: 'seek-by', seconds: -LARGE_STEP_SECONDS };
    case 'l':
      return { do: 'seek-by', seconds: LARGE_STEP_SECONDS };
    case 'm':
      return { do: 'toggle-mute' };
    case 'f':
      return { do: 'toggle-full-screen' };
    case 'c':
      return { do: 'next-subtitles' };
    case 'a':
      return { do: 'next-audio' };
    case 'i':
      return { do: 'toggle-picture-in-picture' };
    default:
      return null;
  }
}

/** On a Cyrillic or Greek layout `key` is not a Latin letter; then the place of the key counts (`KeyK`). */
function letterOf(press: KeyPress): string {
  const key = press.key.toLowerCase();
  if (/^[a-z]$/.test(key)) return key;
  if (/^[\p{L}]$/u.test(key)) return /^Key([A-Z])$/.exec(press.code)?.[1]?.toLowerCase() ?? '';
  return '';
}
