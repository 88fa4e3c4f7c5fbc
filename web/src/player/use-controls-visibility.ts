import { computed, onScopeDispose, type Ref, shallowRef, watch } from 'vue';

const HIDE_AFTER_MS = 3_000;

/**
 * The controls go while a film plays and nobody moves; they stay while it is paused or waited for (`isPinned`), while a menu is
 * open, and while the keyboard's focus is in them.
 */
export function useControlsVisibility(root: Readonly<Ref<HTMLElement | null>>, isPinned: Readonly<Ref<boolean>>) {
  const isRecent = shallowRef(true);
  const isMenuOpen = shallowRef(false);
  const hasKeyboardFocus = shallowRef(false);
  const isShown = computed(() => isPinned.value || isMenuOpen.value || hasKeyboardFocus.value || isRecent.value);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopListening = new AbortController();

  function show(): void {
    isRecent.value = true;
    clearTimeout(timer);
    timer = setTimeout(hide, HIDE_AFTER_MS);
  }

  function hide(): void {
    clearTimeout(timer);
    isRecent.value = false;
  }

  function toggle(): void {
    if (isRecent.value) hide();
    else show();
  }

  watch(
    root,
    (element) => {
      stopListening.abort();
      stopListening = new AbortController();
      if (!element) return;
      const { signal } = stopListening;
      // A finger's movements are taps and drags: they are told apart where they land.
      element.addEventListener('pointermove', (event) => event.pointerType !== 'touch' && show(), { signal });
      element.addEventListener('pointerleave', (event) => event.pointerType === 'mouse' && hide(), { signal });
      element.addEventListener(
        'focusin',
        (event) => {
          hasKeyboardFocus.value = event.target instanceof Element && event.target.matches(':focus-visible');
        },
        { signal },
      );
      element.addEventListener('focusout', () => (hasKeyboardFocus.value = false), { signal });
    },
    { immediate: true },
  );
  // From the moment that it plays the controls have their three seconds.
  watch(isPinned, (pinned) => !pinned && show());
  onScopeDispose(() => {
    clearTimeout(timer);
    stopListening.abort();
  });

  return { isShown, show, toggle, pin: (isOpen: boolean) => (isMenuOpen.value = isOpen) };
}
