import { apiPaths, type TorrentEvent } from '@lodestream/shared';
import { onScopeDispose, type Ref, shallowRef, watch } from 'vue';
import { parseTorrentEvent } from '../api/api-client.ts';

/** A stream that was refused is opened again, with growing pauses. */
const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 15_000;
/** A wait that is shorter than this needs no words about it, and no connection. */
const OPEN_AFTER_MS = 400;
/** A stream that closes at the end of one stall would open again at the next. */
const CLOSE_AFTER_MS = 3_000;

export interface TorrentEventOptions {
  infoHash: string;
  fileIndex?: number;
  /** True while somebody reads what comes. */
  isWanted: Readonly<Ref<boolean>>;
  /** Open it at once: the page has nothing to show before the first news. */
  isUrgent?: boolean;
  /** The server closed the stream for good: the torrent is unknown, or the server is not there. */
  onRefused?: () => void;
}

/**
 * The server's news of a torrent, as long as they are wanted and the tab is seen: a browser has six connections to a host for
 * all its tabs, and an idle stream would take one of them from the film.
 */
export function useTorrentEvents({ infoHash, fileIndex, isWanted, isUrgent = false, onRefused }: TorrentEventOptions) {
  const event = shallowRef<TorrentEvent | null>(null);
  const isVisible = shallowRef(!document.hidden);
  let source: EventSource | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let refusals = 0;

  function open(): void {
    source?.close();
    source = new EventSource(apiPaths.events(infoHash, fileIndex));
    source.addEventListener('state', (message: MessageEvent<string>) => {
      refusals = 0;
      event.value = parseTorrentEvent(message.data) ?? event.value;
    });
    source.addEventListener('error', () => {
      // While it connects again by itself there is nothing to do.
      if (source?.readyState !== EventSource.CLOSED) return;
      source = null;
      onRefused?.();
      schedule(open, Math.min(FIRST_PAUSE_MS * 2 ** refusals, MAX_PAUSE_MS));
      refusals += 1;
    });
  }

  function close(): void {
    source?.close();
    source = null;
    event.value = null;
  }

  function schedule(action: () => void, afterMs: number): void {
    clearTimeout(timer);
    timer = setTimeout(action, afterMs);
  }

  watch(
    () => isWanted.value && isVisible.value,
    (isOn) => {
      if (isOn) schedule(() => source ?? open(), isUrgent ? 0 : OPEN_AFTER_MS);
      else schedule(close, isVisible.value ? CLOSE_AFTER_MS : 0);
    },
    { immediate: true },
  );

  const onVisibility = () => (isVisible.value = !document.hidden);
  document.addEventListener('visibilitychange', onVisibility);
  onScopeDispose(() => {
    document.removeEventListener('visibilitychange', onVisibility);
    clearTimeout(timer);
    close();
  });

  return event;
}
