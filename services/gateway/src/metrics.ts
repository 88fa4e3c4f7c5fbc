import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** What operators watch. No info hash and no name is ever a label: they are viewers' business, and unbounded. */
export type Metrics = {
  contentType: string;
  text(): Promise<string>;
  /** Seconds from a segment request to its first byte. */
  observeFirstByte(seconds: number, kind: 'video' | 'audio'): void;
};

export type MetricsSource = {
  workloads(): { kind: string; phase: string }[];
  runs(): { asleep: number; awake: number };
  cacheBytes(): number;
  /** undefined: there is none. */
  denylist?: DenylistFigures;
};

type DenylistFigures = {
  sources(): readonly { source: string; entries: number; isGood: boolean; secondsSinceGood: number }[];
  counts(): Record<'refused' | 'purged', number>;
};

export function createMetrics(source: MetricsSource): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry, prefix: 'lodestream_gateway_' });
  new Gauge({
    name: 'lodestream_workloads',
    help: 'Workloads by kind and phase',
    labelNames: ['kind', 'phase'],
    registers: [registry],
    collect() {
      this.reset();
      for (const { kind, phase } of source.workloads()) this.inc({ kind, phase });
    },
  });
  new Gauge({
    name: 'lodestream_runs',
    help: 'Runs that can still make segments, by state',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const { asleep, awake } = source.runs();
      this.set({ state: 'asleep' }, asleep);
      this.set({ state: 'awake' }, awake);
    },
  });
  new Gauge({
    name: 'lodestream_segment_cache_bytes',
    help: 'Finished segments in memory',
    registers: [registry],
    collect() {
      this.set(source.cacheBytes());
    },
  });
  if (source.denylist) watchDenylist(registry, source.denylist);
  const firstByte = new Histogram({
    name: 'lodestream_segment_first_byte_seconds',
    help: 'From the request of a segment to its first byte',
    labelNames: ['kind'],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 25],
    registers: [registry],
  });
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    observeFirstByte: (seconds, kind) => firstByte.observe({ kind }, seconds),
  };
}

/** What must be seen is a list that is no longer read: takedowns written into it do nothing. */
function watchDenylist(registry: Registry, { sources, counts }: DenylistFigures): void {
  const perSource = (name: string, help: string, value: (state: ReturnType<typeof sources>[number]) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['source'],
      registers: [registry],
      collect() {
        for (const state of sources()) this.set({ source: state.source }, value(state));
      },
    });
  perSource('lodestream_denylist_entries', 'Entries of the list in force', ({ entries }) => entries);
  perSource(
    'lodestream_denylist_good',
    '1: the list was reached and understood when last asked for; 0: an older one holds, or none',
    ({ isGood }) => (isGood ? 1 : 0),
  );
  perSource(
    'lodestream_denylist_age_seconds',
    'Since the list was last reached and understood',
    (state) => state.secondsSinceGood,
  );
  new Counter({
    name: 'lodestream_denied_total',
    help: 'Torrents that were refused at the door, and purged while they were open',
    labelNames: ['action'],
    registers: [registry],
    collect() {
      this.reset();
      for (const [action, count] of Object.entries(counts())) this.inc({ action }, count);
    },
  });
}
