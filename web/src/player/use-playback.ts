import { apiPaths, type InfoHash } from '@lodestream/shared';
import { computed, onScopeDispose, type Ref, shallowRef, watch } from 'vue';
import type { Failure } from '../api/api-problem.ts';
import { INITIAL_STATE, nextPlayerState, type PlayerEvent, type PlayerState, wantsToPlay } from './player-machine.ts';
import { preferences, readPosition } from './preferences.ts';
import { NoHlsSupport, useHls } from './use-hls.ts';
import { usePlace } from './use-place.ts';
import { useRecovery } from './use-recovery.ts';
import { useSeeking } from './use-seeking.ts';
import { useVideoElement } from './use-video-element.ts';

export interface PlaybackOptions {
  video: Readonly<Ref<HTMLVideoElement | null>>;
  infoHash: InfoHash;
  fileIndex: number;
  /** Opens the torrent at the server again if it has forgotten it. Throws an `ApiProblem`. */
  reopenTorrent(): Promise<void>;
}

/**
 * Plays one file: joins the element, the engine, the phases and the recovery. Everything on the page talks to this, and nothing
 * else moves the element.
 */
export function usePlayback({ video, infoHash, fileIndex, reopenTorrent }: PlaybackOptions) {
  const { state, dispatch } = usePlayerState(video);
  const facts = useVideoElement(video);
  const place = usePlace(video, infoHash, fileIndex);
  const resumedAtSeconds = shallowRef<number | null>(null);
  const recovery = useRecovery({ infoHash, fileIndex, engine: () => engine, reopenTorrent, onRebuilt, onGiveUp: fail });
  const engine = useHls({ onFault: recovery.onFault, onProgress: recovery.onProgress });
  const seeking = useSeeking(video, recovery.rebuildMedia);

  /** Loads the film, from the place of the last visit. */
  async function load(): Promise<void> {
    const element = video.value;
    if (!element) return;
    place.follow(element);
    resumedAtSeconds.value = readPosition(infoHash, fileIndex);
    try {
      await engine.load(element, (startSeconds) => apiPaths.multivariantPlaylist(infoHash, fileIndex, startSeconds), {
        startSeconds: resumedAtSeconds.value ?? -1,
        audioLanguage: preferences.audioLanguage,
      });
      onRebuilt();
    } catch (error) {
      fail({ code: error instanceof NoHlsSupport ? 'no-browser-support' : 'offline' });
    }
  }

  function fail(failure: Failure): void {
    video.value?.pause();
    dispatch({ type: 'failed', failure });
  }

  /** A new media source leaves the element paused without a word (HTML: media element load algorithm). */
  function onRebuilt(): void {
    seeking.watchForPicture();
    if (wantsToPlay(state.value) && video.value?.paused) void play();
  }

  async function play(): Promise<void> {
    const element = video.value;
    if (!element) return;
    if (state.value.phase === 'ended') seeking.seekTo(0, true);
    dispatch({ type: 'play' });
    try {
      await element.play();
    } catch (error) {
      // The browser wants a gesture first: the viewer sees a paused film and a large button.
      if (error instanceof DOMException && error.name === 'NotAllowedError') dispatch({ type: 'pause' });
    }
  }

  function pause(): void {
    video.value?.pause();
    dispatch({ type: 'pause' });
  }

  return {
    state,
    facts,
    tracks: engine.tracks,
    resumedAtSeconds,
    /** Where the playhead is or is about to be. */
    shownSeconds: computed(() => seeking.targetSeconds.value ?? facts.currentSeconds),
    isPlayWanted: computed(() => wantsToPlay(state.value)),
    load,
    play,
    pause,
    togglePlay: () => (wantsToPlay(state.value) ? pause() : void play()),
    seekTo: seeking.seekTo,
    seekBy: seeking.seekBy,
    chooseAudio: engine.chooseAudio,
    chooseSubtitles: engine.chooseSubtitles,
    chooseVariant: engine.chooseVariant,
  };
}

export type Playback = ReturnType<typeof usePlayback>;

/** The phases, fed by what the element says. */
function usePlayerState(video: Readonly<Ref<HTMLVideoElement | null>>) {
  const state = shallowRef<PlayerState>(INITIAL_STATE);
  const disposed = new AbortController();

  function dispatch(event: PlayerEvent): void {
    state.value = nextPlayerState(state.value, event);
  }

  function follow(element: HTMLVideoElement): void {
    element.volume = preferences.volume;
    element.muted = preferences.isMuted;
    const on = (name: string, listener: () => void) => element.addEventListener(name, listener, { signal: disposed.signal });
    on('loadeddata', () => dispatch({ type: 'loaded' }));
    for (const type of ['play', 'playing', 'waiting', 'seeking', 'ended'] as const) on(type, () => dispatch({ type }));
    on('pause', () => !element.ended && dispatch({ type: 'pause' }));
    on('seeked', () => {
      dispatch({ type: 'seeked' });
      // Where everything was buffered the element plays on without another `playing`.
      if (!element.paused && element.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) dispatch({ type: 'playing' });
    });
    on('volumechange', () => {
      preferences.volume = element.volume;
      preferences.isMuted = element.muted;
    });
  }

  watch(video, (element) => element && follow(element), { flush: 'sync' });
  onScopeDispose(() => disposed.abort());
  return { state, dispatch };
}
