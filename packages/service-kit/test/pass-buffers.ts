import { constants, PerformanceObserver } from 'node:perf_hooks';
import { tuneCollector } from '../src/tune-collector.ts';

/** Lets buffers of 64 KiB pass beside a heap of some megabytes; says how often all of it was collected. */
const BUFFER_BYTES = 65_536;
const PASSING = 60_000;
const IN_FLIGHT = 200;
const TURN = 500;

if (process.argv[2] === 'tuned') tuneCollector();
let collections = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if ((entry as unknown as { detail: { kind: number } }).detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) collections += 1;
}).observe({ entryTypes: ['gc'] });
const heap = Array.from({ length: 30_000 }, (_, index) => ({ index, list: [index] }));
const inFlight = new Array<Buffer>(IN_FLIGHT);
for (let passed = 0; passed < PASSING; passed++) {
  inFlight[passed % IN_FLIGHT] = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  if (passed % TURN === 0) await new Promise(setImmediate);
}
// Collections are told a turn later.
await new Promise(setImmediate);
process.stdout.write(JSON.stringify({ collections, kept: heap.length + inFlight.length }));
