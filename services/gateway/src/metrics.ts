import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

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
