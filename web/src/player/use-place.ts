import type { InfoHash } from '@lodestream/shared';
import { onScopeDispose, type Ref } from 'vue';
import { savePosition } from './preferences.ts';

/** A crash of the tab loses no more than this of the place in the film. */
const SAVE_EVERY_SECONDS = 5;

/** Notes where the viewer is: while it plays, when it pauses, and when the page goes. */
export function usePlace(video: Readonly<Ref<HTMLVideoElement | null>>, infoHash: InfoHash, fileIndex: number) {
  const disposed = new AbortController();
  let savedSeconds = 0;

  function save(): void {
    const element = video.value;
    // Before the first picture the element stands at 0, and that is not where the viewer was.
    if (!element || element.currentTime === 0 || element.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    savedSeconds = element.currentTime;
    savePosition(infoHash, fileIndex, element.currentTime, element.duration);
  }

  function follow(element: HTMLVideoElement): void {
    const { signal } = disposed;
    const saveSometimes = () => Math.abs(element.currentTime - savedSeconds) >= SAVE_EVERY_SECONDS && save();
    element.addEventListener('timeupdate', saveSometimes, { signal });
    element.addEventListener('pause', save, { signal });
    element.addEventListener('ended', save, { signal });
    addEventListener('pagehide', save, { signal });
  }

  onScopeDispose(() => {
    save();
    disposed.abort();
  });
  return { follow };
}
