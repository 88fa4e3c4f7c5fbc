import { isRetryableStatus } from './hls-settings.ts';

/**
 * What to do about an error of the player. Pure: (fault, memory, now) → (action, memory).
 *
 * 1. What is not fatal is left alone: hls.js retries by itself, and recovering from a mere stall only disturbs it more.
 * 2. A refusal (4xx) is asked about at once, fatal or not: the server may have forgotten the torrent.
 * 3. A fatal network error starts loading again, with growing pauses, until five minutes went by without one byte.
 * 4. A fatal media error rebuilds the media source, at most twice in ten seconds; then with the audio codec swapped; then it
 *    is the viewer's.
 */
export type PlayerFault =
  | { kind: 'network'; isFatal: boolean; status: number; isManifest: boolean }
  | { kind: 'media'; isFatal: boolean }
  | { kind: 'other'; isFatal: boolean };

export interface RecoveryMemory {
  /** When the trouble with the network began; null while bytes come. */
  networkSinceMs: number | null;
  networkAttempts: number;
  refusals: number;
  mediaRecoveriesMs: readonly number[];
  hasSwappedAudioCodec: boolean;
}

export type RecoveryAction =
  | { do: 'nothing' }
  | { do: 'load-again'; afterMs: number; isManifest: boolean }
  | { do: 'ask-server' }
  | { do: 'recover-media'; swapAudioCodec: boolean }
  | { do: 'give-up'; code: 'gave-up' | 'offline' | 'playback-failed' };

export interface Recovery {
  action: RecoveryAction;
  memory: RecoveryMemory;
}

/** How long a silent network is waited for: as long as the server keeps what nobody asks for. */
export const NETWORK_PATIENCE_MS = 5 * 60_000;
const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 5_000;
/** Refusals in a row that asking did not cure. */
const MAX_REFUSALS = 4;
const MEDIA_RECOVERY_WINDOW_MS = 10_000;
const MAX_MEDIA_RECOVERIES = 2;

export const FRESH_MEMORY: RecoveryMemory = {
  networkSinceMs: null,
  networkAttempts: 0,
  refusals: 0,
  mediaRecoveriesMs: [],
  hasSwappedAudioCodec: false,
};

export function planRecovery(fault: PlayerFault, memory: RecoveryMemory, nowMs: number): Recovery {
  switch (fault.kind) {
    case 'network':
      return isRefusal(fault.status) ? planRefusal(memory) : planNetwork(fault, memory, nowMs);
    case 'media':
      return fault.isFatal ? planMedia(memory, nowMs) : { action: { do: 'nothing' }, memory };
    case 'other':
      return fault.isFatal
        ? { action: { do: 'give-up', code: 'playback-failed' }, memory }
        : { action: { do: 'nothing' }, memory };
    default:
      return fault satisfies never;
  }
}

/** Bytes came: the network is well again. */
export function forgetNetworkTrouble(memory: RecoveryMemory): RecoveryMemory {
  return { ...memory, networkSinceMs: null, networkAttempts: 0, refusals: 0 };
}

function isRefusal(status: number): boolean {
  return status >= 400 && status <= 499 && !isRetryableStatus(status);
}

function planRefusal(memory: RecoveryMemory): Recovery {
  if (memory.refusals >= MAX_REFUSALS) return { action: { do: 'give-up', code: 'playback-failed' }, memory };
  return { action: { do: 'ask-server' }, memory: { ...memory, refusals: memory.refusals + 1 } };
}

function planNetwork(fault: PlayerFault & { kind: 'network' }, memory: RecoveryMemory, nowMs: number): Recovery {
  if (!fault.isFatal) return { action: { do: 'nothing' }, memory };
  const networkSinceMs = memory.networkSinceMs ?? nowMs;
  if (nowMs - networkSinceMs > NETWORK_PATIENCE_MS) {
    return { action: { do: 'give-up', code: fault.status === 0 ? 'offline' : 'gave-up' }, memory };
  }
  const afterMs = Math.min(FIRST_PAUSE_MS * 2 ** memory.networkAttempts, MAX_PAUSE_MS);
  return {
    action: { do: 'load-again', afterMs, isManifest: fault.isManifest },
    memory: { ...memory, networkSinceMs, networkAttempts: memory.networkAttempts + 1 },
  };
}

function planMedia(memory: RecoveryMemory, nowMs: number): Recovery {
  const recent = memory.mediaRecoveriesMs.filter((at) => nowMs - at < MEDIA_RECOVERY_WINDOW_MS);
  if (recent.length < MAX_MEDIA_RECOVERIES) {
    const mediaRecoveriesMs = [...recent, nowMs];
    const isLongAgo = recent.length === 0;
    return {
      action: { do: 'recover-media', swapAudioCodec: false },
      memory: { ...memory, mediaRecoveriesMs, hasSwappedAudioCodec: memory.hasSwappedAudioCodec && !isLongAgo },
    };
  }
  if (!memory.hasSwappedAudioCodec) {
    return {
      action: { do: 'recover-media', swapAudioCodec: true },
      memory: { ...memory, mediaRecoveriesMs: [...recent, nowMs], hasSwappedAudioCodec: true },
    };
  }
  return { action: { do: 'give-up', code: 'playback-failed' }, memory };
}
