import { apiPaths, type InfoHash } from '@lodestream/shared';
import { computed, onScopeDispose, type Ref, shallowRef, watch } from 'vue';
import { getMediaInfo } from '../api/api-client.ts';
import { type Failure, failureOf, isTemporary } from '../api/api-problem.ts';
import { INITIAL_STATE, nextPlayerState, type PlayerEvent, type PlayerState, wantsToPlay } from './player-machine.ts';
import { preferences, readPosition, savePosition } from './preferences.ts';
import { FRESH_MEMORY, forgetNetworkTrouble, type PlayerFault, planRecovery } from './recover-error.ts';
import { NoHlsSupport, useHls } from './use-hls.ts';
import { useSeeking } from './use-seeking.ts';
import { useVideoElement } from './use-video-element.ts';

export interface PlaybackOptions {
  video: Readonly<Ref<HTMLVideoElement | null>>;
  infoHash: InfoHash;
  fileIndex: number;
  /** Opens the torrent at the server again if it has forgotten it. Throws an `ApiProblem`. */
  reopenTorrent(): Promise<void>;
}

/** A crash of the tab loses no more than this of the place in the film. */
const SAVE_EVERY_SECONDS = 5;
/** What the server still cannot say after a refusal is asked again at this distance. */
const ASK_AGAIN_MS = 1_000;

/**
 * Plays one file: joins the element, the engine, the phases and the recovery. Everything on the page talks to this, and nothing
 * else touches the element.
 */
export function usePlayback({ video, infoHash, fileIndex, reopenTorrent }: PlaybackOptions) {
  const state = shallowRef<PlayerState>(INITIAL_STATE);
  const facts = useVideoElement(video);
  const resumedAtSeconds = shallowRef<number | null>(null);
  let memory = FRESH_MEMORY;
  let savedSeconds = 0;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let isAsking = false;
  const disposed = new AbortController();

  const engine = useHls({
    onFault: recoverFrom,
    onProgress: () => {
      memory = forgetNetworkTrouble(memory);
    },
  });
  const seeking = useSeeking(video, () => engine.recoverMedia(false));

  function dispatch(event: PlayerEvent): void {
    state.value = nextPlayerState(state.value, event);
  }

  function fail(failure: Failure): void {
    clearTimeout(retryTimer);
    engine.stopLoading();
    video.value?.pause();
    dispatch({ type: 'failed', failure });
  }

  /** Loads the film; from the place of the last visit, or from where it is now. */
  async function load(): Promise<void> {
    const element = video.value;
    if (!element) return;
    dispatch({ type: 'load' });
    memory = FRESH_MEMORY;
    const here = element.currentTime > 0 ? element.currentTime : null;
    const remembered = here === null ? readPosition(infoHash, fileIndex) : null;
    resumedAtSeconds.value = remembered;
    try {
      await engine.load(element, apiPaths.multivariantPlaylist(infoHash, fileIndex), {
        startSeconds: here ?? remembered ?? -1,
        audioLanguage: preferences.audioLanguage,
      });
    } catch (error) {
      fail({ code: error instanceof NoHlsSupport ? 'no-browser-support' : 'offline' });
      return;
    }
    if (disposed.signal.aborted) return;
    seeking.watchForPicture();
    if (wantsToPlay(state.value)) await play();
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

  function recoverFrom(fault: PlayerFault): void {
    if (state.value.phase === 'failed') return;
    const recovery = planRecovery(fault, memory, performance.now());
    memory = recovery.memory;
    const { action } = recovery;
    switch (action.do) {
      case 'nothing':
        return;
      case 'load-again':
        loadAgainAfter(action.afterMs, action.isManifest);
        return;
      case 'ask-server':
        void askServer();
        return;
      case 'recover-media':
        engine.recoverMedia(action.swapAudioCodec);
        seeking.watchForPicture();
        return;
      case 'give-up':
        fail({ code: action.code });
        return;
      default:
        action satisfies never;
    }
  }

  function loadAgainAfter(afterMs: number, isManifest: boolean): void {
    clearTimeout(retryTimer);
    retryTimer = setTimeout(() => engine.loadAgain(isManifest), afterMs);
  }

  /** A refused request has a reason, and the API says which: forgotten torrent, unplayable file, other renditions. */
  async function askServer(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    engine.stopLoading();
    try {
      await reopenTorrent();
      await getMediaInfo(infoHash, fileIndex, disposed.signal);
      loadAgainAfter(0, true);
    } catch (error) {
      const failure = failureOf(error);
      if (disposed.signal.aborted) return;
      if (isTemporary(failure) || failure.code === 'torrent-unknown') loadAgainAfter(ASK_AGAIN_MS, true);
      else fail(failure);
    } finally {
      isAsking = false;
    }
  }

  function followElement(element: HTMLVideoElement): void {
    element.volume = preferences.volume;
    element.muted = preferences.isMuted;
    const on = (name: string, listener: () => void) => element.addEventListener(name, listener, { signal: disposed.signal });
    on('loadeddata', () => dispatch({ type: 'loaded' }));
    on('playing', () => dispatch({ type: 'playing' }));
    on('pause', () => !element.ended && dispatch({ type: 'pause' }));
    on('play', () => dispatch({ type: 'play' }));
    on('waiting', () => dispatch({ type: 'waiting' }));
    on('seeking', () => dispatch({ type: 'seeking' }));
    on('seeked', () => onSeeked(element));
    on('ended', () => dispatch({ type: 'ended' }));
    on('timeupdate', () => Math.abs(element.currentTime - savedSeconds) >= SAVE_EVERY_SECONDS && save());
    on('pause', save);
    on('volumechange', () => {
      preferences.volume = element.volume;
      preferences.isMuted = element.muted;
    });
    addEventListener('pagehide', save, { signal: disposed.signal });
  }

  function onSeeked(element: HTMLVideoElement): void {
    dispatch({ type: 'seeked' });
    // Where everything was buffered the element plays on without another `playing`.
    if (!element.paused && element.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA) dispatch({ type: 'playing' });
  }

  function save(): void {
    const element = video.value;
    if (!element || !(element.currentTime > 0) || state.value.phase === 'preparing') return;
    savedSeconds = element.currentTime;
    savePosition(infoHash, fileIndex, element.currentTime, element.duration);
  }

  watch(video, (element) => element && followElement(element), { flush: 'sync' });
  onScopeDispose(() => {
    save();
    clearTimeout(retryTimer);
    disposed.abort();
  });

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
    fail,
    togglePlay: () => (wantsToPlay(state.value) ? pause() : void play()),
    seekTo: seeking.seekTo,
    seekBy: seeking.seekBy,
    chooseAudio: engine.chooseAudio,
    chooseSubtitles: engine.chooseSubtitles,
    chooseVariant: engine.chooseVariant,
  };
}

export type Playback = ReturnType<typeof usePlayback>;
