import { type Logger, ProblemError } from '@lodestream/service-kit';
import { DownloaderStatus, type InfoHash } from '@lodestream/shared';
import type { TorrentService } from '../torrents/torrent-service.ts';
import type { Orchestrator } from '../workloads/orchestrator.ts';
import { type OpenTorrent, planAdmission, planDiskEviction } from './caps.ts';

/** Keeps the machine within its caps: how many torrents are open, and how much disk they use. */
export type Admission = Disposable & {
  /** Makes room for the torrent, unless it is open already, and adds it; or throws `busy`. */
  admitTorrent<T>(infoHash: InfoHash, add: () => T): Promise<T>;
};

export type AdmissionOptions = {
  torrents: TorrentService;
  orchestrator: Orchestrator;
  maxTorrents: number;
  diskBudgetBytes: number;
  /** Bytes on disk by workload name; the whole includes what no torrent owns. */
  measureDisk: () => Promise<{ totalBytes: number; byWorkload: Map<string, number> }>;
  logger: Logger;
};

const SWEEP_MS = 10_000;

export function createAdmission(options: AdmissionOptions): Admission {
  const { torrents, orchestrator } = options;

  async function look(byWorkload: ReadonlyMap<string, number>): Promise<OpenTorrent[]> {
    return Promise.all(
      torrents.list().map(async (workload) => {
        const status = workload.spec.kind === 'downloader' ? await torrents.status(workload.spec.infoHash) : undefined;
        const idleSeconds = DownloaderStatus.optional().parse(status)?.idleSeconds ?? 0;
        return { name: workload.name, uid: workload.uid, idleSeconds, diskBytes: byWorkload.get(workload.name) ?? 0 };
      }),
    );
  }

  async function sweep(): Promise<void> {
    const { totalBytes, byWorkload } = await options.measureDisk();
    if (totalBytes <= options.diskBudgetBytes) return;
    for (const torrent of planDiskEviction(await look(byWorkload), totalBytes, options.diskBudgetBytes)) {
      options.logger.info({ diskBytes: torrent.diskBytes }, 'evicting an idle torrent: the disk budget is used up');
      await orchestrator.remove(torrent.name, torrent.uid);
    }
  }

  let isSweeping = false;
  const timer = setInterval(() => {
    if (isSweeping) return;
    isSweeping = true;
    sweep()
      .catch((error) => options.logger.warn({ err: error }, 'disk sweep failed'))
      .finally(() => {
        isSweeping = false;
      });
  }, SWEEP_MS);
  timer.unref();

  return {
    async admitTorrent(infoHash, add) {
      if (torrents.workload(infoHash)) return add();
      const looked = new Map((await look(new Map())).map((torrent) => [torrent.uid, torrent]));
      // From here on nothing is waited for: those who ask at the same moment see each other's torrents.
      if (torrents.workload(infoHash)) return add();
      const open = torrents.list().map(({ name, uid }) => looked.get(uid) ?? { name, uid, idleSeconds: 0, diskBytes: 0 });
      const plan = planAdmission(open, options.maxTorrents);
      if (plan.do === 'refuse')
        throw new ProblemError('busy', { detail: 'As many torrents are open as this server allows.', retryAfterSeconds: 30 });
      const removed = plan.do === 'evict-then-admit' ? orchestrator.remove(plan.torrent.name, plan.torrent.uid) : undefined;
      const added = add();
      await removed;
      return added;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
