import { DownloaderSpec, InfoHash } from '@lodestream/shared';
import { describe, expect, it } from 'vitest';
import { type ObservedPod, planCollection } from './plan-collection.ts';
import type { PodView } from './read-pod.ts';

const NOW = 1_000_000_000;
const infoHash = InfoHash.parse('a'.repeat(40));
const spec = DownloaderSpec.parse({
  kind: 'downloader',
  name: `dl-${infoHash}`,
  ttlSeconds: 300,
  infoHash,
  source: { infoHash, displayName: '', trackers: [], peers: [] },
  diskBudgetBytes: 1,
  network: { dht: false, dhtBootstrap: [], trackers: [], allowedPrivateNetworks: [], uploadBytesPerSecond: 0 },
});

function observed(pod: Partial<PodView> = {}, facts: Partial<ObservedPod> = {}): ObservedPod {
  return {
    pod: {
      name: spec.name,
      uid: 'u',
      resourceVersion: '1',
      spec,
      template: 't',
      phase: 'running',
      isReady: true,
      ip: '10.0.0.1',
      nodeName: 'n',
      cpu: '100m',
      createdAtMs: NOW - 600_000,
      runningSinceMs: NOW - 600_000,
      unschedulableSinceMs: undefined,
      deletedAtMs: undefined,
      isRemoval: false,
      isBackingOff: false,
      exit: undefined,
      trouble: '',
      ...pod,
    },
    unreachableMs: undefined,
    idleSeconds: 5,
    isOutdated: false,
    ...facts,
  };
}

const pending = { phase: 'pending', isReady: false, runningSinceMs: undefined } as const;

describe('planCollection', () => {
  it.each<[string, ObservedPod]>([
    ['what serves', observed()],
    ['what is idle: it expires by itself', observed({}, { idleSeconds: 4000 })],
    ['what is just being scheduled', observed({ ...pending, unschedulableSinceMs: NOW - 50_000, createdAtMs: NOW - 50_000 })],
    ['what pulls its image', observed({ ...pending, createdAtMs: NOW - 100_000 })],
    ['what loads', observed({ isReady: false, runningSinceMs: NOW - 50_000 }, { idleSeconds: undefined })],
    ['what did not answer once', observed({}, { unreachableMs: 5000 })],
    ['what is leaving', observed({ deletedAtMs: NOW + 20_000 })],
    ['what an upgrade left behind while somebody watches', observed({}, { isOutdated: true, idleSeconds: 10 })],
    ['what an upgrade left behind and has not been asked', observed({}, { isOutdated: true, idleSeconds: undefined })],
  ])('leaves alone %s', (_name, each) => {
    expect(planCollection([each], NOW)).toEqual([]);
  });

  it.each<[string, ObservedPod, string, string]>([
    ['what expired', observed({ phase: 'succeeded' }), 'ended', 'remove'],
    ['what failed', observed({ phase: 'failed' }), 'ended', 'remove'],
    [
      'what no node has room for',
      observed({ ...pending, unschedulableSinceMs: NOW - 60_000, createdAtMs: NOW - 60_000 }),
      'unschedulable',
      'remove',
    ],
    ['what never started', observed({ ...pending, createdAtMs: NOW - 120_000 }), 'pending', 'delete'],
    [
      'what never answered',
      observed({ isReady: false, runningSinceMs: NOW - 90_000 }, { idleSeconds: undefined }),
      'silent',
      'delete',
    ],
    ['what answers nobody any more', observed({ isReady: false }, { unreachableMs: 15_000 }), 'unreachable', 'force'],
    ['what should be gone', observed({ deletedAtMs: NOW - 15_000 }), 'stuck', 'force'],
    ['what an upgrade left behind', observed({}, { isOutdated: true, idleSeconds: 30 }), 'outdated', 'remove'],
    ['what another version wrote', observed({ spec: undefined }), 'unreadable', 'remove'],
  ])('collects %s', (_name, each, reason, how) => {
    expect(planCollection([each], NOW)).toEqual([{ pod: each.pod, reason, how }]);
  });

  it('tells a worker that is gone from a gateway that is cut off', () => {
    const gone = observed({ uid: 'gone' }, { unreachableMs: 15_000 });
    const served = observed({ uid: 'served' });
    expect(planCollection([gone, served], NOW)).toEqual([{ pod: gone.pod, reason: 'unreachable', how: 'force' }]);
    // Nobody answers us, and their kubelets say that they are well.
    const others = ['a', 'b'].map((uid) => observed({ uid }, { unreachableMs: 60_000 }));
    expect(planCollection([gone, ...others], NOW)).toEqual([]);
    // One that nobody has asked yet proves nothing.
    expect(planCollection([gone, observed({}, { idleSeconds: undefined })], NOW)).toEqual([]);
    const lost = observed({ uid: 'lost', isReady: false }, { unreachableMs: 60_000 });
    expect(planCollection([lost, ...others], NOW)).toEqual([{ pod: lost.pod, reason: 'unreachable', how: 'force' }]);
  });
});
