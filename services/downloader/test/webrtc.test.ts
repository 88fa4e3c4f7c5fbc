import { runInNamespace } from '@lodestream/testing';
import { expect, it } from 'vitest';
import type { BrowserSwarmInput, BrowserSwarmOutput } from './namespace/browser-swarm.ts';

const SCRIPT = new URL('./namespace/browser-swarm.ts', import.meta.url);
const MIB = 1024 * 1024;
/** What a token bucket and buffers on the way let through before the limit holds. */
const BURST = 1.25;

const run = (input: BrowserSwarmInput) => runInNamespace<BrowserSwarmOutput>(SCRIPT, input, { timeoutMs: 80_000 });

it('a film is found in a real browser alone, by a WebSocket tracker, and it leaves politely', async () => {
  const outcome = await run({ role: 'seeds', uploadBytesPerSecond: MIB });
  expect(outcome).toMatchObject({ isRight: true, hasEndOfCandidates: true, exitCode: 0 });
});

it('a browser and a TCP client both complete it from us, and share the upload limit', async () => {
  const limit = MIB;
  const { isRight, exitCode, uploadedBytes, uploadMs } = await run({ role: 'leeches', uploadBytesPerSecond: limit });
  expect({ isRight, exitCode }).toEqual({ isRight: true, exitCode: 0 });
  expect(uploadedBytes / (uploadMs / 1000)).toBeLessThan(limit * BURST);
});
