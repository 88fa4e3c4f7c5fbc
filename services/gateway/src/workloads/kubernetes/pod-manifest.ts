import { createHash } from 'node:crypto';
import type { V1Pod, V1Probe, V1ResourceRequirements } from '@kubernetes/client-node';
import type { WorkerSpec } from '@lodestream/shared';
import { type DownloaderPodSettings, readBytes, type TranscoderPodSettings } from '../pod-settings.ts';

/** A worker has its pod's address for itself, so its port need not be looked for. */
export const WORKER_PORT = 8090;
export const CONTAINER = 'worker';
export const SPEC_ANNOTATION = 'lodestream.io/spec';
/** Hash of what all pods of a kind have in common: a pod of another version of the gateway or of its settings has another. */
export const TEMPLATE_ANNOTATION = 'lodestream.io/template';
const KIND_LABEL = 'lodestream.io/kind';
const MANAGED_BY = 'lodestream-gateway';
const USER_ID = 10_001;
/** The last resort for what neither expires nor is collected; a film may be long, and paused. */
const MAX_LIFE_SECONDS = 12 * 3600;
/**
 * How long a pod has to leave when anybody but a gateway deletes it. A gateway gives `REMOVAL_GRACE_SECONDS`, and by that the other
 * gateways tell a removal, after which the workload stays away, from an accident, after which it comes back.
 */
const DELETION_GRACE_SECONDS = { downloader: 30, probe: 10, run: 10 };
/** A worker leaves within 2 s. */
export const REMOVAL_GRACE_SECONDS = 3;
/** A node that is gone for so long has lost its pods (Kubernetes' own default is 300 s). */
const NODE_LOSS_SECONDS = 30;

export type PodPlace = {
  instance: string;
  downloader: DownloaderPodSettings;
  transcoder: TranscoderPodSettings;
  callHomeUrls: readonly string[];
  logLevel: string;
  /** The ConfigMap that owns all workloads, so that they go with the deployment and survive a rollout. */
  owner?: { name: string; uid: string } | undefined;
};

export type PodOrder = {
  spec: WorkerSpec;
  token: string;
  /** The node of the downloader that it reads from, if that is known: best there, but anywhere will do. */
  nodeName?: string | undefined;
  /** A downloader that has crashed before waits for its next start without a pod: the ladder is the gateway's, not the kubelet's. */
  hasCrashed: boolean;
};

/** Selects every pod of this deployment. */
export function podSelector(instance: string): string {
  return `app.kubernetes.io/managed-by=${MANAGED_BY},app.kubernetes.io/instance=${instance}`;
}

/** The pod of a worker: admitted by the `restricted` Pod Security Standard, with nothing but its own spec and token. */
export function buildPod({ spec, token, nodeName, hasCrashed }: PodOrder, place: PodPlace): V1Pod {
  const isDownloader = spec.kind === 'downloader';
  const settings = isDownloader ? place.downloader : place.transcoder;
  const { carried, isPartial } = carrySpec(spec);
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: spec.name,
      labels: {
        ...settings.labels,
        'app.kubernetes.io/name': 'lodestream',
        'app.kubernetes.io/instance': place.instance,
        'app.kubernetes.io/component': isDownloader ? 'downloader' : 'transcoder',
        'app.kubernetes.io/managed-by': MANAGED_BY,
        [KIND_LABEL]: spec.kind,
      },
      annotations: {
        ...settings.annotations,
        [SPEC_ANNOTATION]: JSON.stringify(carried),
        [TEMPLATE_ANNOTATION]: templateHash(spec.kind, place),
      },
      ...(place.owner ? { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', ...place.owner }] } : {}),
    },
    spec: {
      restartPolicy: isDownloader && !hasCrashed ? 'OnFailure' : 'Never',
      activeDeadlineSeconds: MAX_LIFE_SECONDS,
      terminationGracePeriodSeconds: DELETION_GRACE_SECONDS[spec.kind],
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...(settings.serviceAccountName ? { serviceAccountName: settings.serviceAccountName } : {}),
      ...(settings.priorityClassName ? { priorityClassName: settings.priorityClassName } : {}),
      ...(settings.runtimeClassName ? { runtimeClassName: settings.runtimeClassName } : {}),
      imagePullSecrets: settings.imagePullSecrets.map((name) => ({ name })),
      nodeSelector: settings.nodeSelector,
      tolerations: [...settings.tolerations, ...NODE_LOSS],
      ...(nodeName ? { affinity: near(nodeName) } : {}),
      securityContext: {
        runAsNonRoot: true,
        runAsUser: USER_ID,
        runAsGroup: USER_ID,
        fsGroup: USER_ID,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [
        {
          name: CONTAINER,
          image: settings.image,
          imagePullPolicy: settings.imagePullPolicy,
          env: [
            { name: 'LODESTREAM_TOKEN', value: token },
            { name: 'LODESTREAM_SPEC', valueFrom: { fieldRef: { fieldPath: `metadata.annotations['${SPEC_ANNOTATION}']` } } },
            ...(isPartial ? [{ name: 'LODESTREAM_SPEC_IS_PARTIAL', value: '1' }] : []),
            { name: 'LODESTREAM_CALL_HOME_URL', value: place.callHomeUrls.join(',') },
            { name: 'LODESTREAM_WORKLOAD_UID', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } },
            { name: 'LODESTREAM_WORKER_HOST', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
            { name: 'LODESTREAM_WORKER_PORT', value: String(WORKER_PORT) },
            { name: 'LODESTREAM_WORK_DIR', value: '/work' },
            { name: 'LODESTREAM_LOG_LEVEL', value: place.logLevel },
          ],
          ports: [{ name: 'http', containerPort: WORKER_PORT }],
          resources: buildResources(spec, place),
          ...buildProbes(token),
          // The end of the log is then part of the pod's status, and a gateway need not be allowed to read logs.
          terminationMessagePolicy: 'FallbackToLogsOnError',
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
          volumeMounts: [
            { name: 'work', mountPath: '/work' },
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ],
      volumes: [
        { name: 'work', ...(settings.scratchVolume ?? { emptyDir: { sizeLimit: settings.scratch } }) },
        { name: 'tmp', emptyDir: { sizeLimit: TMP_SIZE } },
      ],
    },
  };
}

const TMP_SIZE = '64Mi';
const MIB = 1024 * 1024;
/** The kubelet turns a container's log at 10 MiB and keeps five. */
const LOG_MIB = 64;
const NODE_LOSS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'].map((key) => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: NODE_LOSS_SECONDS,
}));

/** Preferred, never required: a full node must not keep a film from playing. */
function near(nodeName: string) {
  const here = { matchFields: [{ key: 'metadata.name', operator: 'In', values: [nodeName] }] };
  return { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 100, preference: here }] } };
}

/** No limit of CPU: throttling would ruin the first segment, and the request shares what there is. */
function buildResources(spec: WorkerSpec, place: PodPlace): V1ResourceRequirements {
  const settings = spec.kind === 'downloader' ? place.downloader : place.transcoder;
  return {
    requests: {
      cpu: cpuRequest(spec, place, false),
      memory: settings.memoryRequest,
      'ephemeral-storage': settings.scratchRequest,
    },
    limits: { memory: settings.memoryLimit, 'ephemeral-storage': sum(settings.scratch, TMP_SIZE) },
  };
}

/** What a workload requests of a node's CPU; a sleeping run hardly anything. */
export function cpuRequest(spec: WorkerSpec, place: PodPlace, isAsleep: boolean): string {
  if (spec.kind === 'downloader') return place.downloader.cpu;
  if (isAsleep) return place.transcoder.sleepingCpu;
  const isEncode = spec.kind === 'run' && spec.rendition.kind === 'video' && spec.rendition.mode === 'encode';
  return isEncode ? place.transcoder.videoCpu : place.transcoder.cpu;
}

/** Logs count too; the kubelet evicts what passes the limit of the whole. */
function sum(scratch: string, tmp: string): string {
  return `${Math.ceil((readBytes(scratch) + readBytes(tmp)) / MIB) + LOG_MIB}Mi`;
}

/**
 * The kubelet asks for the status, with the worker's own token: that passes through the event loop, and is no access. The
 * liveness probe ends what is silent for 15 s; a worker on a busy node may take a minute to load.
 */
function buildProbes(token: string): { startupProbe: V1Probe; readinessProbe: V1Probe; livenessProbe: V1Probe } {
  const httpGet = { path: '/status', port: 'http', httpHeaders: [{ name: 'authorization', value: `Bearer ${token}` }] };
  return {
    startupProbe: { httpGet, periodSeconds: 1, timeoutSeconds: 3, failureThreshold: 60 },
    readinessProbe: { httpGet, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 2 },
    livenessProbe: { httpGet, periodSeconds: 5, timeoutSeconds: 5, failureThreshold: 3 },
  };
}

/** As much as an annotation and a variable hold with room to spare (256 KiB together, 128 KiB each). */
const MAX_CARRIED_CHARACTERS = 60_000;

/** The spec as the pod carries it. What is large stays behind, for the worker to fetch: a document, remembered metadata. */
export function carrySpec(spec: WorkerSpec): { carried: WorkerSpec; isPartial: boolean } {
  if (spec.kind !== 'downloader' || JSON.stringify(spec).length <= MAX_CARRIED_CHARACTERS)
    return { carried: spec, isPartial: false };
  const { metainfo: _document, ...source } = spec.source;
  const { metadata: _metadata, ...known } = spec.known ?? { peers: [], dhtNodes: [] };
  return { carried: { ...spec, source, known }, isPartial: true };
}

/** The hash of what decides how pods of a kind are, and run. A gateway's own settings are no reason to replace one. */
export function templateHash(kind: WorkerSpec['kind'], place: PodPlace): string {
  const { downloader, transcoder } = place;
  const settings = kind === 'downloader' ? downloader : transcoder;
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 16);
}
