import { onScopeDispose, type Ref, shallowRef, watch } from 'vue';

/** A screen reader that is interrupted every second says nothing at all. */
const QUIET_MS = 3_000;

/** The text of a polite live region: follows the source, at most once in three seconds, the last word always comes. */
export function useAnnouncer(source: () => string): Readonly<Ref<string>> {
  const said = shallowRef('');
  let lastMs = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | undefined;

  watch(
    source,
    (text) => {
      clearTimeout(timer);
      timer = setTimeout(
        () => {
          lastMs = performance.now();
          said.value = text;
        },
        Math.max(0, lastMs + QUIET_MS - performance.now()),
      );
    },
    { immediate: true },
  );
  onScopeDispose(() => clearTimeout(timer));
  return said;
}
