import type { InfoHash, Torrent, TorrentEvent } from '@lodestream/shared';
import { onScopeDispose, shallowRef } from 'vue';
import { addTorrent, getTorrent } from '../api/api-client.ts';
import { type Failure, failureOf, isTemporary } from '../api/api-problem.ts';
import { sourceOfPage } from './magnet-fragment.ts';
import { uploadedTorrent } from './uploaded-torrents.ts';

/** What a page knows of its torrent. */
export type TorrentView =
  /** `trouble`: why it takes longer; it is still being tried. */
  { phase: 'opening'; trouble: Failure | null } | { phase: 'open'; torrent: Torrent } | { phase: 'failed'; failure: Failure };

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 8_000;
/** As long as the server would keep it without a visit; after that a person decides. */
const PATIENCE_MS = 5 * 60_000;

/** The page of the films hands over to the player's: what one has just shown, the other need not wait for again. */
const FRESH_MS = 5_000;
let lastShown: { torrent: Torrent; atMs: number } | null = null;

/**
 * One torrent by its hash: asks the server, posts it again where the server has forgotten it (from the file that was
 * opened in this tab, the magnet in the page's fragment, or its hash alone), waits through temporary trouble.
 */
export function useTorrent(infoHash: InfoHash, readFragment: () => string) {
  const view = shallowRef<TorrentView>(justShown(infoHash) ?? { phase: 'opening', trouble: null });
  const disposed = new AbortController();
  let opening: Promise<void> | null = null;

  /** Opens it, or waits for the opening that is under way. Never throws: the outcome is the view. */
  function open(): Promise<void> {
    opening ??= keepOpening().finally(() => {
      opening = null;
    });
    return opening;
  }

  async function keepOpening(): Promise<void> {
    if (view.value.phase === 'failed') view.value = { phase: 'opening', trouble: null };
    const giveUpAtMs = performance.now() + PATIENCE_MS;
    for (let attempt = 0; !disposed.signal.aborted; attempt += 1) {
      try {
        show(await openOnce());
        return;
      } catch (error) {
        if (disposed.signal.aborted) return;
        const failure = failureOf(error);
        if (!isTemporary(failure) || performance.now() > giveUpAtMs) {
          view.value = { phase: 'failed', failure };
          return;
        }
        if (view.value.phase !== 'open') view.value = { phase: 'opening', trouble: failure };
        await pause(pauseMs(attempt, failure), disposed.signal);
      }
    }
  }

  /** Makes sure that the server has it open. Throws an `ApiProblem`. */
  async function reopen(): Promise<void> {
    show(await openOnce());
  }

  async function openOnce(): Promise<Torrent> {
    try {
      return await getTorrent(infoHash, disposed.signal);
    } catch (error) {
      if (failureOf(error).code !== 'torrent-unknown') throw error;
      const uploaded = uploadedTorrent(infoHash);
      const source = uploaded ? ({ kind: 'file', file: uploaded } as const) : sourceOfPage(infoHash, readFragment());
      return await addTorrent(source, disposed.signal);
    }
  }

  function show(torrent: Torrent): void {
    lastShown = { torrent, atMs: performance.now() };
    const failure = torrent.problem ?? ({ code: 'internal' } as const);
    view.value = torrent.status === 'failed' ? { phase: 'failed', failure } : { phase: 'open', torrent };
  }

  /** Takes over what the event stream says; the list of files, which it has not, is fetched when there is one. */
  function follow(event: TorrentEvent): void {
    if (view.value.phase !== 'open') return;
    const { files } = view.value.torrent;
    show({ ...event, files });
    if (event.status === 'ready' && files.length === 0) void open();
  }

  onScopeDispose(() => disposed.abort());
  return { view, open, reopen, follow };
}

function justShown(infoHash: InfoHash): TorrentView | null {
  const isFresh = lastShown?.torrent.infoHash === infoHash && performance.now() - lastShown.atMs < FRESH_MS;
  return isFresh && lastShown?.torrent.files.length ? { phase: 'open', torrent: lastShown.torrent } : null;
}

function pauseMs(attempt: number, failure: Failure): number {
  const own = Math.min(FIRST_PAUSE_MS * 2 ** attempt, MAX_PAUSE_MS);
  return Math.max(own, Math.min((failure.retryAfterSeconds ?? 0) * 1000, MAX_PAUSE_MS));
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
