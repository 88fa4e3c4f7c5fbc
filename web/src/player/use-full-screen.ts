import { onScopeDispose, type Ref, shallowRef } from 'vue';

/** An iPhone lets only the `<video>` itself fill the screen. */
interface AppleVideo extends HTMLVideoElement {
  webkitEnterFullscreen?: () => void;
}

/** Full screen for the whole player, controls included. */
export function useFullScreen(root: Readonly<Ref<HTMLElement | null>>, video: Readonly<Ref<HTMLVideoElement | null>>) {
  const isOn = shallowRef(false);
  const onChange = () => (isOn.value = document.fullscreenElement !== null);
  document.addEventListener('fullscreenchange', onChange);
  onScopeDispose(() => document.removeEventListener('fullscreenchange', onChange));

  async function toggle(): Promise<void> {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else if (root.value?.requestFullscreen) await root.value.requestFullscreen();
      else (video.value as AppleVideo | null)?.webkitEnterFullscreen?.();
    } catch {
      // The browser or an embedding page forbids it: the picture stays as it is.
    }
  }

  return { isOn, toggle };
}
