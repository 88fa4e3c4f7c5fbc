import type { ErrorData, default as HlsClass } from 'hls.js';
import { onScopeDispose, readonly, shallowReactive } from 'vue';
import { buildHlsSettings, type PlaybackStart } from './hls-settings.ts';
import type { PlayerFault } from './recover-error.ts';

/** One choice in a menu: a language, a subtitle track, a picture size. */
export interface Track {
  id: number;
  label: string;
  language: string | null;
}

export interface Tracks {
  audio: Track[];
  audioId: number;
  subtitles: Track[];
  /** -1: off. */
  subtitleId: number;
  variants: Track[];
  /** -1: the player chooses. */
  variantId: number;
}

export interface HlsCallbacks {
  onFault(fault: PlayerFault): void;
  /** A piece of the film came and is in the browser. */
  onProgress(): void;
}

/** The film's first playlist; the server begins to encode where the player will begin. */
export type PlaylistUrl = (startSeconds: number) => string;

/** The player cannot run here: neither Media Source nor HLS of the browser's own. */
export class NoHlsSupport extends Error {}

// The engine is wanted with the player: it is not waited for when the player is there. What fails here is tried again there.
import('hls.js').catch(() => {});

const NO_TRACKS: Tracks = { audio: [], audioId: -1, subtitles: [], subtitleId: -1, variants: [], variantId: -1 };

/**
 * The only home of hls.js: its words (level, fragment) do not leave this file. The engine knows how to load and how to try
 * again; what to try is decided in `recover-error.ts`.
 */
export function useHls(callbacks: HlsCallbacks) {
  let hls: HlsClass | null = null;
  let video: HTMLVideoElement | null = null;
  let urlFrom: PlaylistUrl = () => '';
  let isDisposed = false;
  const tracks = shallowReactive<Tracks>({ ...NO_TRACKS });

  /** Loads a film from the given place. Throws `NoHlsSupport`, or what the import throws while the server is away. */
  async function load(element: HTMLVideoElement, playlistUrl: PlaylistUrl, start: PlaybackStart): Promise<void> {
    const { default: Hls } = await import('hls.js');
    if (isDisposed) return;
    video = element;
    urlFrom = playlistUrl;
    const startSeconds = Math.max(0, start.startSeconds);
    if (!Hls.isSupported()) {
      loadNatively(element, playlistUrl(startSeconds), start);
      return;
    }
    hls = new Hls(buildHlsSettings(start));
    listen(hls, Hls, callbacks, tracks);
    hls.attachMedia(element);
    hls.loadSource(playlistUrl(startSeconds));
  }

  /** Goes on loading after a fatal network error; from the first playlist if that is what failed or may have changed. */
  function loadAgain(isManifest: boolean): void {
    if (!hls) {
      video?.load();
    } else if (isManifest) {
      // The playlist is read anew, and the film goes on where it was.
      if (video && video.currentTime > 0) hls.config.startPosition = video.currentTime;
      hls.loadSource(urlFrom(Math.max(0, hls.config.startPosition)));
    } else {
      hls.startLoad(-1);
    }
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

  onScopeDispose(() => {
    isDisposed = true;
    hls?.destroy();
    hls = null;
    video?.removeAttribute('src');
    video?.load();
  });

  return {
    tracks: readonly(tracks) as Readonly<Tracks>,
    load,
    loadAgain,
    stopLoading: () => hls?.stopLoad(),
    recoverMedia,
    chooseAudio,
    chooseSubtitles,
    chooseVariant,
  };
}

/** Safari on an iPhone without Media Source: the browser's own player, with our controls. */
function loadNatively(element: HTMLVideoElement, playlistUrl: string, { startSeconds }: PlaybackStart): void {
  if (element.canPlayType('application/vnd.apple.mpegurl') === '') throw new NoHlsSupport();
  element.src = playlistUrl;
  const goToStart = () => {
    if (startSeconds > 0) element.currentTime = startSeconds;
  };
  element.addEventListener('loadedmetadata', goToStart, { once: true });
}

function listen(hls: HlsClass, { Events }: typeof HlsClass, callbacks: HlsCallbacks, tracks: Tracks): void {
  const update = () => Object.assign(tracks, readTracks(hls));
  hls.on(Events.ERROR, (_name, data) => callbacks.onFault(faultOf(data)));
  hls.on(Events.FRAG_BUFFERED, (_name, { frag }) => frag.sn !== 'initSegment' && callbacks.onProgress());
  hls.on(Events.MANIFEST_PARSED, update);
  hls.on(Events.AUDIO_TRACKS_UPDATED, update);
  hls.on(Events.AUDIO_TRACK_SWITCHED, update);
  hls.on(Events.SUBTITLE_TRACKS_UPDATED, update);
  hls.on(Events.SUBTITLE_TRACK_SWITCH, update);
}

function readTracks(hls: HlsClass): Tracks {
  return {
    audio: hls.audioTracks.map((track, id) => ({ id, label: track.name, language: track.lang ?? null })),
    audioId: hls.audioTrack,
    subtitles: hls.subtitleTracks.map((track, id) => ({ id, label: track.name, language: track.lang ?? null })),
    subtitleId: hls.subtitleTrack,
    variants: hls.levels.map((level, id) => ({ id, label: `${level.height}p`, language: null })),
    variantId: hls.autoLevelEnabled ? -1 : hls.loadLevel,
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
