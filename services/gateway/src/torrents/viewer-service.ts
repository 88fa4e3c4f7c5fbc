import { ProblemError } from '@lodestream/service-kit';
import type { DownloaderStatus, InfoHash, Torrent, TorrentEvent, TorrentStatus } from '@lodestream/shared';
import type { MediaInfoService, ProbedMedia } from '../playback/media-info-service.ts';
import type { RunFleet } from '../playback/run-fleet.ts';
import type { SegmentService } from '../playback/segment-service.ts';
import type { TorrentService } from './torrent-service.ts';
import { type ViewerFacts, viewHints, viewStage } from './viewer-stage.ts';

/** What viewers see of a torrent: its public picture, with the stage they wait in and what is wrong. */
export type ViewerService = {
  /** Rejects with `torrent-unknown`. */
  torrent(infoHash: InfoHash): Promise<Torrent>;
  event(infoHash: InfoHash, fileIndex: number | undefined): Promise<TorrentEvent>;
};

export type ViewerServiceOptions = {
  torrents: TorrentService;
  media: MediaInfoService;
  segments: SegmentService;
  fleet: RunFleet;
};

const NO_SWARM = { peers: 0, seeders: 0, downloadBytesPerSecond: 0, uploadBytesPerSecond: 0, havePieces: 0, pieceCount: 0 };

export function createViewerService({ torrents, media, segments, fleet }: ViewerServiceOptions): ViewerService {
  async function look(infoHash: InfoHash, fileIndex: number | undefined) {
    const workload = torrents.workload(infoHash);
    if (!workload || workload.phase === 'ended') throw new ProblemError('torrent-unknown');
    const downloader = await torrents.status(infoHash, fileIndex);
    const probed = fileIndex === undefined || downloader?.state !== 'ready' ? undefined : await media.peek(infoHash, fileIndex);
    const film = isProbed(probed) ? probed : undefined;
    const problem = workload.problem ?? downloader?.problem ?? (isProblem(probed) ? probed : undefined);
    const runs = fleet.making().filter((run) => run.key.startsWith(`${infoHash}/${fileIndex}/`));
    // Here, or at another gateway: the viewer's segment and his events may come by different ones.
    const isWaitedFor =
      fileIndex !== undefined &&
      (segments.isWaitedFor(infoHash, fileIndex) || runs.some((run) => run.status?.isWaitedFor === true));
    const facts: ViewerFacts = {
      workload: workload.phase,
      downloader,
      media: fileIndex === undefined ? undefined : mediaFact(probed),
      isWaitedFor,
      bitrateBitsPerSecond:
        film && fileIndex !== undefined ? bitrateOf(film, torrents.fileLengthBytes(infoHash, fileIndex)) : undefined,
      isWithoutSlot: runs.some((run) => run.waiters.size > 0 && !run.hasSlot),
    };
    const name = downloader?.name || torrents.source(infoHash)?.displayName || infoHash;
    const picture = {
      infoHash,
      name,
      status: problem && !isProblem(probed) ? ('failed' as const) : statusOf(downloader),
      lengthBytes: downloader?.lengthBytes ?? 0,
      swarm: downloader?.swarm ?? NO_SWARM,
      stage: viewStage(facts),
      hints: viewHints(facts),
      ...(problem ? { problem } : {}),
    };
    return { picture, downloader };
  }

  return {
    async torrent(infoHash) {
      const { picture, downloader } = await look(infoHash, undefined);
      return { ...picture, files: downloader?.files ?? [] };
    },
    async event(infoHash, fileIndex) {
      const { picture, downloader } = await look(infoHash, fileIndex);
      return { ...picture, ...(downloader?.pieces ? { pieces: downloader.pieces } : {}) };
    },
  };
}

type Peeked = Awaited<ReturnType<MediaInfoService['peek']>> | undefined;

function isProbed(probed: Peeked): probed is ProbedMedia {
  return typeof probed === 'object' && 'renditions' in probed;
}

function isProblem(probed: Peeked) {
  return typeof probed === 'object' && 'code' in probed;
}

function mediaFact(probed: Peeked): ViewerFacts['media'] {
  if (probed === undefined || probed === 'unknown') return 'unknown';
  return typeof probed === 'string' ? probed : 'known';
}

function statusOf(downloader: DownloaderStatus | undefined): TorrentStatus {
  if (!downloader) return 'queued';
  switch (downloader.state) {
    case 'resolving':
      return 'resolving';
    case 'ready':
    case 'leaving':
      return 'ready';
    case 'failed':
      return 'failed';
    default:
      return downloader.state satisfies never;
  }
}

function bitrateOf({ info }: ProbedMedia, lengthBytes: number): number {
  return info.bitrateBitsPerSecond ?? (lengthBytes * 8) / info.durationSeconds;
}
