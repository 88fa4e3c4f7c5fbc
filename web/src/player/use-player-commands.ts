import type { Ref } from 'vue';
import type { PlayerCommand } from './keyboard-map.ts';
import { preferences } from './preferences.ts';
import type { Track } from './use-hls.ts';
import type { Playback } from './use-playback.ts';

const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 1.75, 2];
/** A step of one picture; finer than the coarsest rate, and seeking lands on the picture that covers the time. */
const FRAME_SECONDS = 1 / 25;

export interface PlayerCommandOptions {
  video: Readonly<Ref<HTMLVideoElement | null>>;
  playback: Playback;
  fullScreen: { toggle(): Promise<void> };
  showShortcuts(): void;
}

/** Carries out what keys and buttons ask for. */
export function usePlayerCommands({ video, playback, fullScreen, showShortcuts }: PlayerCommandOptions) {
  return function run(command: PlayerCommand): void {
    const element = video.value;
    if (!element) return;
    switch (command.do) {
      case 'toggle-play':
        playback.togglePlay();
        return;
      case 'seek-by':
        playback.seekBy(command.seconds);
        return;
      case 'seek-to-fraction':
        playback.seekTo(command.fraction * playback.facts.durationSeconds);
        return;
      case 'change-volume':
        element.muted = false;
        element.volume = Math.min(1, Math.max(0, element.volume + command.by));
        return;
      case 'toggle-mute':
        element.muted = !element.muted;
        return;
      case 'toggle-full-screen':
        void fullScreen.toggle();
        return;
      case 'next-subtitles': {
        const next = following(playback.tracks.subtitles, playback.tracks.subtitleId, -1);
        playback.chooseSubtitles(next);
        preferences.subtitleLanguage = playback.tracks.subtitles[next]?.language ?? null;
        return;
      }
      case 'next-audio': {
        const next = following(playback.tracks.audio, playback.tracks.audioId, 0);
        playback.chooseAudio(next);
        preferences.audioLanguage = playback.tracks.audio[next]?.language ?? null;
        return;
      }
      case 'toggle-picture-in-picture':
        void togglePictureInPicture(element);
        return;
      case 'change-speed':
        element.playbackRate = speedAfter(element.playbackRate, command.steps);
        return;
      case 'step-frame':
        if (element.paused) playback.seekBy(command.frames * FRAME_SECONDS);
        return;
      case 'show-shortcuts':
        showShortcuts();
        return;
      default:
        command satisfies never;
    }
  };
}

/** The next choice in a ring that begins at `first` (-1: with "off"). */
function following(tracks: readonly Track[], currentId: number, first: -1 | 0): number {
  if (tracks.length === 0) return currentId;
  return currentId + 1 < tracks.length ? currentId + 1 : first;
}

function speedAfter(current: number, steps: number): number {
  const index = SPEEDS.findIndex((speed) => speed >= current - 0.01);
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, (index < 0 ? 2 : index) + steps))] ?? 1;
}

async function togglePictureInPicture(element: HTMLVideoElement): Promise<void> {
  try {
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await element.requestPictureInPicture();
  } catch {
    // No picture yet, or not allowed here.
  }
}
