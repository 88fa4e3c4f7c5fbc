import type { AudioTrackSwitchedData, default as HlsClass, ErrorData, FragBufferedData } from 'hls.js';
import { onScopeDispose, readonly, shallowReactive } from 'vue';
import { buildHlsSettings, type PlaybackStart } from './hls-settings.ts';
import type { PlayerFault } from './recover-error.ts';

/** One choice in a menu: a language, a subtitle track, a picture size. */
export interface Track {
  id: number;
  label: string;
  language: string | null;
}

export interface HlsCallbacks {
  onFault(fault: PlayerFault): void;
  /** A piece of the film came and is in the browser. */
  onProgress(): void;
}

interface Tracks {
  audio: Track[];
  audioId: number;
  subtitles: Track[];
  /** -1: off. */
  subtitleId: number;
  variants: Track[];
  /** -1: the player chooses. */
  variantId: number;
}

/** The player cannot run here: neither Media Source nor HLS of the browser's own. */
export class NoHlsSupport extends Error {}

/**
 * The only home of hls.js: its words (level, fragment) do not leave this file. The engine knows how to load and how to try
 * again; what to try is decided in `recover-error.ts`.
 */
export function useHls(callbacks: HlsCallbacks) {
  let hls: HlsClass | null = null;
  let video: HTMLVideoElement | null = null;
  let url = '';
  let isDisposed = false;
  const tracks = shallowReactive<Tracks>({
    audio: [],
    audioId: -1,
    subtitles: [],
    subtitleId: -1,
    variants: [],
    variantId: -1,
  });

  /** Loads a film from the given place. Throws `NoHlsSupport`. */
  async function load(element: HTMLVideoElement, playlistUrl: string, start: PlaybackStart): Promise<void> {
    const { default: Hls } = await import('hls.js');
    if (isDisposed) return;
    unload();
    video = element;
    url = playlistUrl;
    if (!Hls.isSupported()) {
      loadNatively(element, playlistUrl, start);
      return;
    }
    const engine = new Hls(buildHlsSettings(start));
    hls = engine;
    engine.on(Hls.Events.ERROR, (_name, data) => callbacks.onFault(faultOf(data)));
    engine.on(Hls.Events.FRAG_BUFFERED, (_name, data: FragBufferedData) => {
      if (data.frag.sn !== 'initSegment') callbacks.onProgress();
    });
    engine.on(Hls.Events.AUDIO_TRACKS_UPDATED, () => readTracks(engine));
    engine.on(Hls.Events.AUDIO_TRACK_SWITCHED, (_name, data: AudioTrackSwitchedData) => {
      tracks.audioId = data.id;
    });
    engine.on(Hls.Events.SUBTITLE_TRACKS_UPDATED, () => readTracks(engine));
    engine.on(Hls.Events.SUBTITLE_TRACK_SWITCH, (_name, data) => {
      tracks.subtitleId = data.id;
    });
    engine.on(Hls.Events.MANIFEST_PARSED, () => readTracks(engine));
    engine.attachMedia(element);
    engine.loadSource(playlistUrl);
  }

  /** Safari on an iPhone without Media Source: the browser's own player, with our controls. */
  function loadNatively(element: HTMLVideoElement, playlistUrl: string, start: PlaybackStart): void {
    if (element.canPlayType('application/vnd.apple.mpegurl') === '') throw new NoHlsSupport();
    element.src = playlistUrl;
    if (start.startSeconds > 0) {
      element.addEventListener('loadedmetadata', () => (element.currentTime = start.startSeconds), { once: true });
    }
  }

  function readTracks(engine: HlsClass): void {
    tracks.audio = engine.audioTracks.map((track, id) => ({ id, label: track.name, language: track.lang ?? null }));
    tracks.audioId = engine.audioTrack;
    tracks.subtitles = engine.subtitleTracks.map((track, id) => ({ id, label: track.name, language: track.lang ?? null }));
    tracks.subtitleId = engine.subtitleTrack;
    tracks.variants = engine.levels.map((level, id) => ({ id, label: `${level.height}p`, language: null }));
    tracks.variantId = engine.autoLevelEnabled ? -1 : engine.loadLevel;
  }

  /** Goes on loading after a fatal network error; from the first playlist if that is what failed or may have changed. */
  function loadAgain(isManifest: boolean): void {
    if (!hls) {
      video?.load();
      return;
    }
    if (isManifest) {
      // The playlist is read anew, and the film goes on where it was.
      hls.config.startPosition = video && video.currentTime > 0 ? video.currentTime : hls.config.startPosition;
      hls.loadSource(url);
    } else {
      hls.startLoad(-1);
    }
  }

  function stopLoading(): void {
    hls?.stopLoad();
  }

  function recoverMedia(swapAudioCodec: boolean): void {
    if (swapAudioCodec) hls?.swapAudioCodec();
    hls?.recoverMediaError();
  }

  function chooseAudio(id: number): void {
    if (!hls) return;
    hls.audioTrack = id;
    tracks.audioId = id;
  }

  function chooseSubtitles(id: number): void {
    if (!hls) return;
    hls.subtitleDisplay = id >= 0;
    hls.subtitleTrack = id;
    tracks.subtitleId = id;
  }

  function chooseVariant(id: number): void {
    if (!hls) return;
    // `nextLevel` drops what is buffered ahead, so that the choice is seen soon and not in half a minute.
    hls.nextLevel = id;
    tracks.variantId = id;
  }

  function unload(): void {
    hls?.destroy();
    hls = null;
    if (video?.getAttribute('src')) {
      video.removeAttribute('src');
      video.load();
    }
  }

  onScopeDispose(() => {
    isDisposed = true;
    unload();
  });

  return {
    tracks: readonly(tracks) as Readonly<Tracks>,
    load,
    loadAgain,
    stopLoading,
    recoverMedia,
    chooseAudio,
    chooseSubtitles,
    chooseVariant,
  };
}

const MANIFEST_ERRORS: ReadonlySet<string> = new Set(['manifestLoadError', 'manifestLoadTimeOut', 'manifestParsingError']);

function faultOf(data: ErrorData): PlayerFault {
  const isFatal = data.fatal;
  if (data.type === 'networkError') {
    return { kind: 'network', isFatal, status: data.response?.code ?? 0, isManifest: MANIFEST_ERRORS.has(data.details) };
  }
  if (data.type === 'mediaError') return { kind: 'media', isFatal };
  return { kind: 'other', isFatal };
}
