import type { InfoHash } from '@lodestream/shared';
import { onScopeDispose } from 'vue';
import { getMediaInfo } from '../api/api-client.ts';
import { type Failure, failureOf, isTemporary } from '../api/api-problem.ts';
import { FRESH_MEMORY, forgetNetworkTrouble, type PlayerFault, planRecovery } from './recover-error.ts';

/** What can be done with the engine when it is in trouble. */
export interface RecoverableEngine {
  loadAgain(isManifest: boolean): void;
  stopLoading(): void;
  recoverMedia(swapAudioCodec: boolean): void;
}

export interface RecoveryOptions {
  infoHash: InfoHash;
  fileIndex: number;
  engine: () => RecoverableEngine;
  /** Opens the torrent at the server again if it has forgotten it. Throws an `ApiProblem`. */
  reopenTorrent(): Promise<void>;
  /** The media source may be a new one: go on playing if that is wanted, and look whether a picture comes. */
  onRebuilt(): void;
  onGiveUp(failure: Failure): void;
}

/** What the server still cannot say after a refusal is asked again at this distance. */
const ASK_AGAIN_MS = 1_000;

/** Carries out what `recover-error.ts` decides. */
export function useRecovery({ infoHash, fileIndex, engine, reopenTorrent, onRebuilt, onGiveUp }: RecoveryOptions) {
  let memory = FRESH_MEMORY;
  let hasGivenUp = false;
  let isAsking = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const disposed = new AbortController();

  function onFault(fault: PlayerFault): void {
    if (hasGivenUp) return;
    const recovery = planRecovery(fault, memory, performance.now());
    memory = recovery.memory;
    const { action } = recovery;
    switch (action.do) {
      case 'nothing':
        return;
      case 'load-again':
        loadAgainAfter(action.afterMs, action.isManifest);
        return;
      case 'ask-server':
        void askServer();
        return;
      case 'recover-media':
        rebuildMedia(action.swapAudioCodec);
        return;
      case 'give-up':
        giveUp({ code: action.code });
        return;
      default:
        action satisfies never;
    }
  }

  function loadAgainAfter(afterMs: number, isManifest: boolean): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      engine().loadAgain(isManifest);
      onRebuilt();
    }, afterMs);
  }

  /** A refused request has a reason, and the API says which: forgotten torrent, unplayable file, other renditions. */
  async function askServer(): Promise<void> {
    if (isAsking) return;
    isAsking = true;
    engine().stopLoading();
    try {
      await reopenTorrent();
      await getMediaInfo(infoHash, fileIndex, disposed.signal);
      loadAgainAfter(0, true);
    } catch (error) {
      if (disposed.signal.aborted) return;
      const failure = failureOf(error);
      if (isTemporary(failure) || failure.code === 'torrent-unknown') loadAgainAfter(ASK_AGAIN_MS, true);
      else giveUp(failure);
    } finally {
      isAsking = false;
    }
  }

  function rebuildMedia(swapAudioCodec: boolean): void {
    engine().recoverMedia(swapAudioCodec);
    onRebuilt();
  }

  function giveUp(failure: Failure): void {
    clearTimeout(timer);
    hasGivenUp = true;
    engine().stopLoading();
    onGiveUp(failure);
  }

  onScopeDispose(() => {
    clearTimeout(timer);
    disposed.abort();
  });

  return {
    onFault,
    /** Bytes came. */
    onProgress: () => {
      memory = forgetNetworkTrouble(memory);
    },
    rebuildMedia: () => rebuildMedia(false),
  };
}
