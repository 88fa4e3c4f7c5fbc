import { onScopeDispose, type Ref, shallowRef } from 'vue';
import { clampSeek, GESTURE_REST_MS, isBuffered, planSeekDelayMs } from './seek-plan.ts';
import { planWatchdogStep } from './seek-watchdog.ts';
import { spansOf } from './use-video-element.ts';

const WATCHDOG_TICK_MS = 500;

/**
 * Moves the playhead: at once where the film is buffered, after a short rest where it is not, so that a drag or a held key is
 * one load. After every move the watchdog looks whether a picture came.
 */
export function useSeeking(video: Readonly<Ref<HTMLVideoElement | null>>, recoverMedia: () => void) {
  /** Where the viewer wants to be, until the element is there. */
  const targetSeconds = shallowRef<number | null>(null);
  let commitTimer: ReturnType<typeof setTimeout> | undefined;
  let watchdogTimer: ReturnType<typeof setInterval> | undefined;
  let gesture = { loads: 0, lastMoveMs: Number.NEGATIVE_INFINITY };

  /** `isFinal`: the pointer was lifted, nothing more is coming. */
  function seekTo(seconds: number, isFinal = false): void {
    const element = video.value;
    if (!element) return;
    const target = clampSeek(seconds, element.duration);
    targetSeconds.value = target;
    clearTimeout(commitTimer);
    const nowMs = performance.now();
    if (nowMs - gesture.lastMoveMs > GESTURE_REST_MS) gesture.loads = 0;
    gesture.lastMoveMs = nowMs;
    const delayMs = isFinal ? 0 : planSeekDelayMs(spansOf(element.buffered), target, gesture.loads);
    if (isFinal) gesture = { loads: 0, lastMoveMs: Number.NEGATIVE_INFINITY };
    if (delayMs === 0) return commit();
    commitTimer = setTimeout(() => {
      gesture.loads += 1;
      commit();
    }, delayMs);
  }

  function seekBy(seconds: number): void {
    const element = video.value;
    // Keys are pressed one by one: each is a gesture.
    gesture.loads = 0;
    if (element) seekTo((targetSeconds.value ?? element.currentTime) + seconds);
  }

  function commit(): void {
    clearTimeout(commitTimer);
    const element = video.value;
    if (!element || targetSeconds.value === null) return;
    const target = targetSeconds.value;
    targetSeconds.value = null;
    // Setting the same time again would make the browser throw its decoded pictures away for nothing.
    if (Math.abs(element.currentTime - target) < 0.01) return;
    element.currentTime = target;
    watchForPicture();
  }

  /** Also for the first picture of all, and after a rebuilt media source. */
  function watchForPicture(): void {
    clearInterval(watchdogTimer);
    const element = video.value;
    if (!element) return;
    let hasNewFrame = false;
    let bufferedSinceMs: number | null = null;
    let stepsTaken = 0;
    onNextFrame(element, () => (hasNewFrame = true));
    watchdogTimer = setInterval(() => {
      const nowMs = performance.now();
      const isHere = isBuffered(spansOf(element.buffered), element.currentTime);
      bufferedSinceMs = isHere && !document.hidden ? (bufferedSinceMs ?? nowMs) : null;
      const step = planWatchdogStep({ bufferedSinceMs, hasNewFrame, isHidden: document.hidden, stepsTaken }, nowMs);
      if (step === 'wait') return;
      stepsTaken += 1;
      if (step === 'stop') clearInterval(watchdogTimer);
      else if (step === 'set-time-again') element.currentTime = clampSeek(element.currentTime, element.duration);
      else recoverMedia();
    }, WATCHDOG_TICK_MS);
  }

  onScopeDispose(() => {
    clearTimeout(commitTimer);
    clearInterval(watchdogTimer);
  });

  return { targetSeconds, seekTo, seekBy, watchForPicture };
}

/** The next picture that is really shown; for sound without a picture, the next moment that is really played. */
function onNextFrame(element: HTMLVideoElement, callback: () => void): void {
  element.addEventListener('timeupdate', () => element.videoWidth === 0 && !element.seeking && callback(), { once: true });
  if ('requestVideoFrameCallback' in element) element.requestVideoFrameCallback(callback);
  else (element as HTMLVideoElement).addEventListener('seeked', callback, { once: true });
}
