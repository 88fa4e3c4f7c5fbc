import type { DownloaderStatus, Hint, Stage } from '@lodestream/shared';
import type { WorkloadPhase } from '../workloads/workload.ts';

export type ViewerFacts = Readonly<{
  workload: WorkloadPhase;
  downloader: DownloaderStatus | undefined;
  /** Of the file that is watched; undefined: none is. */
  media: 'unknown' | 'waiting-for-bytes' | 'probing' | 'known' | undefined;
  /** Somebody waits for a segment of it. */
  isWaitedFor: boolean;
  /** Bit rate of the film; undefined: not known. */
  bitrateBitsPerSecond: number | undefined;
  /** A waiting run has no slot. */
  isWithoutSlot: boolean;
}>;

/** A magnet that nobody answers says so at the latest then (architecture §7). */
const NO_PEERS_AFTER_SECONDS = 60;

/** What the viewer waits for, from what is known of the workloads. Pure. */
export function viewStage({ downloader, media, isWaitedFor }: ViewerFacts): Stage {
  if (!downloader || downloader.state === 'resolving') return (downloader?.swarm.peers ?? 0) > 0 ? 'metadata' : 'finding-peers';
  switch (media) {
    case undefined:
      return 'ready';
    case 'unknown':
    case 'waiting-for-bytes':
      return 'first-pieces';
    case 'probing':
      return 'probing';
    case 'known':
      return isWaitedFor ? 'encoding' : 'ready';
    default:
      return media satisfies never;
  }
}

/** What is wrong beside it, while the server keeps trying. Pure. */
export function viewHints(facts: ViewerFacts): Hint[] {
  const { downloader, workload } = facts;
  const hints: Hint[] = [];
  if (workload === 'restarting') hints.push('restarting');
  if (downloader) {
    const { swarm } = downloader;
    const isWhole = swarm.pieceCount > 0 && swarm.havePieces === swarm.pieceCount;
    const isWaiting = downloader.state === 'resolving' || facts.media !== undefined;
    if (!isWhole && downloader.secondsWithoutPeers >= NO_PEERS_AFTER_SECONDS) hints.push('no-peers');
    if (!isWhole && downloader.isIncompleteSwarm && isWaiting) hints.push('no-seeders');
    if (!isWhole && facts.isWaitedFor && isSlow(facts)) hints.push('slow-swarm');
  }
  if (facts.isWithoutSlot && facts.isWaitedFor) hints.push('busy');
  return hints;
}

function isSlow({ downloader, bitrateBitsPerSecond }: ViewerFacts): boolean {
  if (!downloader || bitrateBitsPerSecond === undefined || downloader.swarm.peers === 0) return false;
  return downloader.swarm.downloadBytesPerSecond * 8 < bitrateBitsPerSecond;
}
