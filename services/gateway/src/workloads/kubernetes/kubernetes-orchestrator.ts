import { delay, type Logger, withSignal } from '@lodestream/service-kit';
import type { WorkerSpec } from '@lodestream/shared';
import { type CrashLadder, KUBERNETES_LADDER, planRestart } from '../crash-ladder.ts';
import type { Orchestrator } from '../orchestrator.ts';
import { isAlive, isReady } from '../workload.ts';
import { logId, workloadToken } from '../workload-name.ts';
import { createWorkloadTable, newTableEntry, type TableEntry } from '../workload-table.ts';
import type { ClusterClient } from './cluster-client.ts';
import { createCollector } from './collector.ts';
import { createCpuShares } from './cpu-shares.ts';
import { pickIdlest } from './pick-idlest.ts';
import { createPodFinder } from './pod-finder.ts';
import { type Made, makePod, noRoom } from './pod-maker.ts';
import { buildPod, type PodPlace, podSelector, REMOVAL_GRACE_SECONDS, templateHash, WORKER_PORT } from './pod-manifest.ts';
import { watchPods } from './pod-watch.ts';
import { isPodAlive, type PodView, readNews } from './read-pod.ts';
import { createWorkerDoor } from './worker-door.ts';
import { createWorkerPulse } from './worker-pulse.ts';

/**
 * Workloads as pods of a cluster, which every replica of the gateway sees. Nothing is locked and nobody leads: names are
 * deterministic, so that many asks are one create; deletes name the pod that they mean.
 *
 * K1. What a pod is doing is read from the cluster alone (`readNews`); a call home only says it sooner.
 * K2. Whoever deletes a pod on purpose gives it `REMOVAL_GRACE_SECONDS`; by that the others know that it is to stay away.
 * K3. A gateway that ends leaves its workloads to the others, and one that starts adopts all there are.
 */
export type KubernetesOptions = {
  cluster: ClusterClient;
  place: PodPlace;
  key: Buffer;
  logger: Logger;
  ladder?: CrashLadder;
};

type Entry = TableEntry & {
  /** Aborts when nobody wants the workload any more. */
  making: AbortController | undefined;
  /** Resolves when that is over. */
  made: Promise<void>;
  /** Its pod, once it has one. */
  podUid: string | undefined;
  removal: Promise<void> | undefined;
};

/** The API server is there when a gateway starts, or something is wrong that an operator must see. */
const FIRST_LIST_MS = 60_000;
/** How long whoever cannot have a pod gets the reason instead of another attempt. */
const KEEP_NO_ROOM_MS = 15_000;
/** A worker that is told to go is gone after its grace and a moment of the kubelet's. */
const LEAVE_MS = 10_000;
const LEAVE_LOOK_MS = 100;

/** Rejects when the cluster cannot be asked for its pods within a minute. */
export async function openKubernetesOrchestrator(options: KubernetesOptions): Promise<Orchestrator> {
  const { cluster, place, key, logger, ladder = KUBERNETES_LADDER } = options;
  const tokenOf = (name: string) => workloadToken(key, name);
  /** Uids of pods that are being deleted here, and names of which one is still being made: the cluster shows them for a moment more. */
  const unwanted = new Set<string>();

  const table = createWorkloadTable<Entry>({
    key,
    logger,
    ladder,
    restart: (entry) => bringUp(entry),
    discard(entry) {
      if (entry.making) unwanted.add(entry.workload.name);
      entry.making?.abort(new Error('nobody wants it any more'));
      const pod = pods.get(entry.workload.name);
      if (pod && pod.uid === entry.podUid && pod.deletedAtMs === undefined) entry.removal ??= removePod(pod);
    },
  });

  const pods = watchPods({ cluster, selector: podSelector(place.instance), logger, onChange });
  const find = createPodFinder({ cluster, logger, onFound: (pod) => pods.put(pod) });
  const pulse = createWorkerPulse({ tokenOf, targets: () => table.list().filter(isReady) });
  const shares = createCpuShares({ cluster, place, logger, requested: (name) => pods.get(name)?.cpu });
  const collector = createCollector({
    cluster,
    logger,
    observe: () =>
      pods.all().map((pod) => {
        const uid = table.entry(pod.name)?.workload.uid ?? '';
        const isOutdated = pod.spec !== undefined && pod.template !== templateHash(pod.spec.kind, place);
        return { pod, unreachableMs: pulse.unreachableMs(uid), idleSeconds: pulse.idleSeconds(uid), isOutdated };
      }),
    onUnschedulable: (pod) => {
      const entry = table.entry(pod.name);
      if (entry) table.fail(entry, noRoom('No node of the cluster has room for it.'), KEEP_NO_ROOM_MS);
    },
    makeRoom,
  });

  /** K1 */
  function onChange(name: string, before: PodView | undefined, pod: PodView | undefined): void {
    const entry = table.entry(name);
    if (before && before.uid !== pod?.uid) unwanted.delete(before.uid);
    if (!entry || entry.workload.phase === 'ended') return pod && adopt(pod, entry?.crashesAtMs ?? []);
    // What happens to an old pod of the name while a new one is made is nothing to it.
    if (!isAlive(entry.workload) || entry.making) return;
    if (pod) entry.podUid = pod.uid;
    const news = readNews(before, pod);
    if (news !== 'none')
      logger[news === 'crashed' || news === 'lost' ? 'warn' : 'info'](
        { workload: logId(key, name), ...pod?.exit, tail: pod?.exit?.tail.slice(-800), trouble: pod?.trouble },
        `workload ${news}`,
      );
    if (news === 'crashed') table.crash(entry);
    else if (news === 'lost') onLost(entry);
    else if (news === 'expired' || news === 'removed') table.forget(entry);
    else if (pod) settle(entry, pod);
  }

  /** A pod that went without our doing is made again while somebody is here who needs it: at once, the first time. */
  function onLost(entry: Entry): void {
    shares.forget(entry.workload.name);
    table.crash(entry);
  }

  function settle(entry: Entry, pod: PodView): void {
    const { phase, address } = entry.workload;
    // The kubelet would make it wait longer each time: when it starts is for the ladder to say, and it has said so.
    if (phase === 'starting' && pod.isBackingOff) return bringUp(entry);
    const canServe = pod.isReady && pod.ip !== undefined && isPodAlive(pod);
    // Whatever address it called home from, the cluster's word counts.
    const isElsewhere = phase === 'ready' && pod.ip !== undefined && address?.host !== pod.ip;
    if ((phase === 'starting' && canServe) || isElsewhere)
      table.update(entry, { phase: 'ready', address: { host: pod.ip ?? '', port: WORKER_PORT } });
  }

  function adopt(pod: PodView, crashesAtMs: number[]): void {
    const { name, uid, spec } = pod;
    if (!isPodAlive(pod) || !spec || unwanted.has(uid) || unwanted.has(name)) return;
    clearTimeout(table.entry(name)?.timer);
    const entry = newEntry(spec, crashesAtMs);
    entry.workload = { ...entry.workload, uid, startedAt: pod.createdAtMs };
    entry.podUid = uid;
    table.put(entry);
    logger.info({ workload: logId(key, name) }, 'adopted');
    table.update(entry, {});
    settle(entry, pod);
  }

  /** Makes its pod, unless there is one that will do. */
  function bringUp(entry: Entry): void {
    const { name, spec } = entry.workload;
    entry.startedAtMs = performance.now();
    const known = pods.get(name);
    if (known && isPodAlive(known) && !known.isBackingOff) return settle(entry, known);
    entry.making?.abort();
    const making = new AbortController();
    entry.making = making;
    const nodeName = spec.kind === 'downloader' ? undefined : nodeOf(spec.source.token);
    const order = { spec, token: tokenOf(name), nodeName, hasCrashed: entry.crashesAtMs.length > 0 };
    entry.made = makePod(buildPod(order, place), { cluster, logger, makeRoom: () => makeRoom(name) }, making.signal)
      .then((made) => onMade(entry, making, made))
      .catch((error) => {
        if (making.signal.aborted) return void unwanted.delete(name);
        entry.making = undefined;
        logger.error({ err: error }, 'a pod could not be made');
        table.crash(entry);
      });
  }

  function onMade(entry: Entry, making: AbortController, made: Made): void {
    const { name } = entry.workload;
    // Known before it counts as made: that it replaces an old pod of the name is not that one's loss.
    if ('pod' in made && !making.signal.aborted) pods.put(made.pod);
    if (entry.making === making) entry.making = undefined;
    if ('problem' in made) {
      if (!making.signal.aborted) table.fail(entry, made.problem, KEEP_NO_ROOM_MS);
      else unwanted.delete(name);
      return;
    }
    if (making.signal.aborted) {
      // Given up while it was being made; whoever has asked for the name since then finds it, and keeps it.
      if (unwanted.delete(name)) void removePod(made.pod);
      return;
    }
    entry.podUid = made.pod.uid;
    onChange(name, made.pod, pods.get(name));
  }

  /** A reader knows its downloader's token and nothing else of it that stays true. */
  function nodeOf(token: string): string | undefined {
    const source = table.list().find(({ name, spec }) => spec.kind === 'downloader' && tokenOf(name) === token);
    return source && pods.get(source.name)?.nodeName;
  }

  /** The least recently used idle workload goes; false when all are in use. */
  async function makeRoom(forName: string): Promise<boolean> {
    const idlest = pickIdlest(
      table.list().map(({ name, uid }) => ({ name, uid, idleSeconds: name === forName ? undefined : pulse.idleSeconds(uid) })),
    );
    if (!idlest) return false;
    logger.info({ workload: logId(key, idlest.name), idleSeconds: idlest.idleSeconds }, 'an idle workload makes room');
    const before = pods.get(idlest.name)?.uid;
    await orchestrator.remove(idlest.name, idlest.uid);
    const deadlineMs = performance.now() + LEAVE_MS;
    while (pods.get(idlest.name)?.uid === before && performance.now() < deadlineMs) await delay(LEAVE_LOOK_MS);
    return true;
  }

  /** K2 */
  async function removePod({ name, uid }: PodView): Promise<void> {
    shares.forget(name);
    unwanted.add(uid);
    try {
      await cluster.deletePod(name, { uid }, REMOVAL_GRACE_SECONDS);
    } catch (error) {
      unwanted.delete(uid);
      logger.warn({ err: error, workload: logId(key, name) }, 'a pod could not be deleted: it expires by itself');
    }
  }

  const orchestrator: Orchestrator = {
    ensure(spec) {
      const existing = table.entry(spec.name);
      if (existing && (isAlive(existing.workload) || existing.workload.phase === 'failed')) return existing.workload;
      clearTimeout(existing?.timer);
      const entry = newEntry(spec, existing?.crashesAtMs ?? []);
      unwanted.delete(spec.name);
      table.put(entry);
      const now = performance.now();
      const plan = planRestart(ladder, entry.crashesAtMs, now);
      const waitMs = plan.do === 'restart' ? plan.atMs - now : 0;
      if (entry.crashesAtMs.length > 0 && waitMs > 0) entry.timer = setTimeout(() => bringUp(entry), waitMs).unref();
      else bringUp(entry);
      return entry.workload;
    },
    whenReady: table.whenReady,
    made: (name, signal) => withSignal(table.entry(name)?.made ?? Promise.resolve(), signal),
    lookFor: (name, signal) => withSignal(find(name), signal),
    // Pods that wait for work would hold what others need: a cluster starts one in a third of a second.
    expect() {},
    get: (name) => table.entry(name)?.workload,
    list: table.list,
    watch: table.watch,
    async remove(name, uid) {
      const entry = table.entry(name);
      if (!entry || entry.workload.uid !== uid) return;
      table.forget(entry);
      await entry.removal;
    },
    ...createWorkerDoor({ table, tokenOf, podOf: (name) => pods.get(name) }),
    setAsleep(name, isAsleep) {
      const spec = table.entry(name)?.workload.spec;
      if (spec) shares.set(spec, isAsleep);
    },
    tokenOf,
    /** K3 */
    async [Symbol.asyncDispose]() {
      for (const part of [collector, pulse, shares, pods]) part[Symbol.dispose]();
      for (const { making } of table.entries()) making?.abort(new Error('the gateway is closing'));
      table.clear();
    },
  };

  try {
    await withSignal(pods.listed, AbortSignal.timeout(FIRST_LIST_MS));
  } catch (error) {
    await orchestrator[Symbol.asyncDispose]();
    throw error;
  }
  return orchestrator;
}

function newEntry(spec: WorkerSpec, crashesAtMs: number[]): Entry {
  return {
    ...newTableEntry(spec, crashesAtMs),
    making: undefined,
    made: Promise.resolve(),
    podUid: undefined,
    removal: undefined,
  };
}
