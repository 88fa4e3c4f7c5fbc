import { onScopeDispose, type Ref, shallowReactive, watch } from 'vue';
import type { TimeSpan } from './seek-plan.ts';

export interface VideoFacts {
  currentSeconds: number;
  durationSeconds: number;
  buffered: TimeSpan[];
  volume: number;
  isMuted: boolean;
  speed: number;
  /** Width over height; 0 while there is no picture (or none at all: sound only). */
  aspectRatio: number;
}

/** What a `<video>` says of itself, as reactive values. */
export function useVideoElement(video: Readonly<Ref<HTMLVideoElement | null>>): Readonly<VideoFacts> {
  const facts = shallowReactive<VideoFacts>({
    currentSeconds: 0,
    durationSeconds: 0,
    buffered: [],
    volume: 1,
    isMuted: false,
    speed: 1,
    aspectRatio: 0,
  });
  let stopListening = new AbortController();

  watch(
    video,
    (element) => {
      stopListening.abort();
      stopListening = new AbortController();
      if (!element) return;
      const on = (names: string, listener: () => void) => {
        for (const name of names.split(' ')) element.addEventListener(name, listener, { signal: stopListening.signal });
      };
      const readTime = () => {
        facts.currentSeconds = element.currentTime;
        facts.buffered = spansOf(element.buffered);
      };
      on('timeupdate seeking seeked progress emptied', readTime);
      on('durationchange', () => (facts.durationSeconds = Number.isFinite(element.duration) ? element.duration : 0));
      on('volumechange', () => {
        facts.volume = element.volume;
        facts.isMuted = element.muted;
      });
      on('ratechange', () => (facts.speed = element.playbackRate));
      on('loadedmetadata resize', () => {
        facts.aspectRatio = element.videoHeight > 0 ? element.videoWidth / element.videoHeight : 0;
      });
    },
    { immediate: true, flush: 'sync' },
  );
  onScopeDispose(() => stopListening.abort());
  return facts;
}

export function spansOf(ranges: TimeRanges): TimeSpan[] {
  return Array.from({ length: ranges.length }, (_, index) => ({
    startSeconds: ranges.start(index),
    endSeconds: ranges.end(index),
  }));
}
