import { DownloaderSpec, InfoHash, ProbeSpec, WorkerSpec } from '@lodestream/shared';
import { describe, expect, it } from 'vitest';
import { DownloaderPodSettings, TranscoderPodSettings } from '../pod-settings.ts';
import {
  buildPod,
  carrySpec,
  cpuRequest,
  type PodPlace,
  SPEC_ANNOTATION,
  TEMPLATE_ANNOTATION,
  templateHash,
} from './pod-manifest.ts';

const infoHash = InfoHash.parse('0123456789abcdef0123456789abcdef01234567');
const downloader = DownloaderSpec.parse({
  kind: 'downloader',
  name: `dl-${infoHash}`,
  ttlSeconds: 300,
  infoHash,
  source: { infoHash, displayName: 'A film', trackers: ['udp://tracker.example:1'], peers: [] },
  diskBudgetBytes: 1,
  network: { dht: false, dhtBootstrap: [], trackers: [], allowedPrivateNetworks: [], uploadBytesPerSecond: 0 },
});
const probe = ProbeSpec.parse({
  kind: 'probe',
  name: 'pr-a',
  ttlSeconds: 300,
  infoHash,
  fileIndex: 0,
  source: { url: 'http://10.0.0.1:8090/files/0', token: 't'.repeat(64) },
  lengthBytes: 1,
});
const place: PodPlace = {
  instance: 'films',
  downloader: DownloaderPodSettings.parse({ image: 'lodestream/downloader:1' }),
  transcoder: TranscoderPodSettings.parse({ image: 'lodestream/transcoder:1' }),
  callHomeUrls: ['http://10.0.0.2:8081', 'http://lodestream-internal:8081'],
  logLevel: 'info',
  owner: { name: 'lodestream-owner', uid: 'u-1' },
};
const order = (spec: WorkerSpec) => ({ spec, token: 'secret', hasCrashed: false });

describe('buildPod', () => {
  it('asks for nothing that the restricted standard forbids, and for no account', () => {
    const { spec } = buildPod(order(downloader), place);
    expect(spec).toMatchObject({
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
    });
    expect(spec?.containers).toHaveLength(1);
    expect(spec?.containers[0]?.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(spec?.hostNetwork ?? spec?.hostPID ?? spec?.hostIPC).toBeUndefined();
  });

  it('limits memory and disk, and never the CPU', () => {
    for (const spec of [downloader, probe]) {
      const { resources, volumeMounts } = buildPod(order(spec), place).spec?.containers[0] ?? {};
      expect(Object.keys(resources?.limits ?? {}).sort()).toEqual(['ephemeral-storage', 'memory']);
      expect(volumeMounts?.map(({ mountPath }) => mountPath)).toEqual(['/work', '/tmp']);
    }
    const work = buildPod(order(downloader), place).spec?.volumes?.[0];
    expect(work).toEqual({ name: 'work', emptyDir: { sizeLimit: '8Gi' } });
  });

  it('carries the spec once, for the worker and for other gateways, and belongs to the owner', () => {
    const { metadata, spec } = buildPod(order(downloader), place);
    expect(WorkerSpec.parse(JSON.parse(metadata?.annotations?.[SPEC_ANNOTATION] ?? ''))).toEqual(downloader);
    expect(JSON.stringify(spec)).not.toContain(infoHash);
    expect(metadata?.ownerReferences).toEqual([{ apiVersion: 'v1', kind: 'ConfigMap', name: 'lodestream-owner', uid: 'u-1' }]);
    expect(metadata?.labels).toMatchObject({
      'app.kubernetes.io/instance': 'films',
      'app.kubernetes.io/component': 'downloader',
      'lodestream.io/kind': 'downloader',
    });
  });

  it('lets the kubelet start a downloader again in its place once, and nothing else', () => {
    expect(buildPod(order(downloader), place).spec?.restartPolicy).toBe('OnFailure');
    expect(buildPod({ ...order(downloader), hasCrashed: true }, place).spec?.restartPolicy).toBe('Never');
    expect(buildPod(order(probe), place).spec?.restartPolicy).toBe('Never');
  });

  it('prefers the node of the downloader, and requires none', () => {
    const { affinity } = buildPod({ ...order(probe), nodeName: 'node-7' }, place).spec ?? {};
    expect(JSON.stringify(affinity)).toContain('node-7');
    expect(affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution).toBeUndefined();
    expect(buildPod(order(probe), place).spec?.affinity).toBeUndefined();
  });
});

describe('carrySpec', () => {
  it('leaves a large document and remembered metadata behind, and says so', () => {
    const large = 'A'.repeat(200_000);
    const known = { peers: ['1.2.3.4:5'], dhtNodes: [], metadata: large };
    const { carried, isPartial } = carrySpec({ ...downloader, source: { ...downloader.source, metainfo: large }, known });
    expect(isPartial).toBe(true);
    expect(carried).toEqual({ ...downloader, known: { peers: ['1.2.3.4:5'], dhtNodes: [] } });
    expect(carrySpec(downloader)).toEqual({ carried: downloader, isPartial: false });
  });
});

describe('templateHash', () => {
  it('differs where pods would, and only there', () => {
    const hash = templateHash('downloader', place);
    expect(buildPod(order(downloader), place).metadata?.annotations?.[TEMPLATE_ANNOTATION]).toBe(hash);
    const transcoder = TranscoderPodSettings.parse({ image: 'lodestream/transcoder:2' });
    expect(templateHash('downloader', { ...place, transcoder, owner: undefined })).toBe(hash);
    expect(templateHash('run', { ...place, transcoder })).not.toBe(templateHash('run', place));
    // The address of a gateway differs from replica to replica.
    expect(templateHash('downloader', { ...place, callHomeUrls: [], logLevel: 'debug' })).toBe(hash);
  });
});

describe('cpuRequest', () => {
  it('is little for what sleeps', () => {
    expect(cpuRequest(probe, place, false)).toBe('100m');
    expect(cpuRequest(probe, place, true)).toBe('10m');
    expect(cpuRequest(downloader, place, true)).toBe('100m');
  });
});
