import type { Logger } from '@lodestream/service-kit';
import type { Admission } from '../admission/admission.ts';
import type { DenylistGuard } from '../denylist/guard.ts';
import type { Drain } from '../drain.ts';
import type { ClientLimits } from '../edge/client-limits.ts';
import type { Metrics } from '../metrics.ts';
import type { MediaInfoService } from '../playback/media-info-service.ts';
import type { SegmentService } from '../playback/segment-service.ts';
import type { SwarmKnowledgeStore } from '../torrents/swarm-knowledge.ts';
import type { TorrentService } from '../torrents/torrent-service.ts';
import type { ViewerService } from '../torrents/viewer-service.ts';
import type { Orchestrator } from '../workloads/orchestrator.ts';
import type { WorkerClient } from '../workloads/worker-client.ts';

/** What the routes stand on; built once in main.ts. */
export type Deps = {
  torrents: TorrentService;
  viewers: ViewerService;
  /** How long a media-path request is held before its first byte. */
  holdMs: number;
  media: MediaInfoService;
  segments: SegmentService;
  orchestrator: Orchestrator;
  client: WorkerClient;
  drain: Pick<Drain, 'isReady' | 'closing'>;
  guard: DenylistGuard;
  limits: ClientLimits;
  admission: Admission;
  knowledge: SwarmKnowledgeStore;
  metrics: Pick<Metrics, 'observeFirstByte'>;
  logger: Logger;
  publicHosts: readonly string[];
  trustedProxies: readonly string[];
  webDir: string;
};
