import { onScopeDispose, watch } from 'vue';
import type { Playback } from './use-playback.ts';

const SEEK_STEP_SECONDS = 10;

export interface MediaSessionOptions {
  title: () => string;
  album: () => string;
  playback: Playback;
}

/** The system's own media keys, lock screen and headphones (Media Session API); taken back when the player goes. */
export function useMediaSession({ title, album, playback }: MediaSessionOptions): void {
  if (!('mediaSession' in navigator)) return;
  const session = navigator.mediaSession;
  const handlers: Partial<Record<MediaSessionAction, MediaSessionActionHandler>> = {
    play: () => void playback.play(),
    pause: () => playback.pause(),
    seekbackward: (details) => playback.seekBy(-(details.seekOffset ?? SEEK_STEP_SECONDS)),
    seekforward: (details) => playback.seekBy(details.seekOffset ?? SEEK_STEP_SECONDS),
    seekto: (details) => details.seekTime !== undefined && playback.seekTo(details.seekTime, details.fastSeek !== true),
  };
  for (const [action, handler] of Object.entries(handlers)) setHandler(action as MediaSessionAction, handler);

  watch(
    [title, album],
    ([name, of]) => {
      session.metadata = new MediaMetadata({ title: name, album: of });
    },
    { immediate: true },
  );
  watch(playback.isPlayWanted, (isPlaying) => (session.playbackState = isPlaying ? 'playing' : 'paused'), { immediate: true });
  watch(
    () => [playback.facts.durationSeconds, Math.floor(playback.facts.currentSeconds), playback.facts.speed] as const,
    ([duration, , playbackRate]) => {
      if (duration <= 0) return;
      session.setPositionState({ duration, playbackRate, position: Math.min(playback.facts.currentSeconds, duration) });
    },
  );

  onScopeDispose(() => {
    for (const action of Object.keys(handlers)) setHandler(action as MediaSessionAction, null);
    session.metadata = null;
    session.playbackState = 'none';
  });

  function setHandler(action: MediaSessionAction, handler: MediaSessionActionHandler | null): void {
    try {
      session.setActionHandler(action, handler);
    } catch {
      // A browser that does not know the action.
    }
  }
}
