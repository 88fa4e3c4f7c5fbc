import { type PacketsTo, runInNamespace } from '@lodestream/testing';
import { expect, it } from 'vitest';
import { canaryOf, canaryV6Of, type EgressInput, type EgressOutput, SOURCES, SOURCES_V6 } from './namespace/egress.ts';

const SCRIPT = new URL('./namespace/egress.ts', import.meta.url);
const CANARIES = ['192.168.77.0/24', 'fd66::/64'];
/** The control sees the last of them after so long at most; without an allowed network the same time passes in vain. */
const SETTLE_MS = 20_000;
const SETTLE_IN_VAIN_MS = 12_000;

const run = (input: EgressInput) => runInNamespace<EgressOutput>(SCRIPT, input, { timeoutMs: 60_000, localAddresses });
const localAddresses = [
  ...SOURCES.map((source) => `${canaryOf(source)}/32`),
  ...SOURCES_V6.map((source) => `${canaryV6Of(source)}/128`),
];
const reached = (packets: PacketsTo[]) => ({
  v4: SOURCES.filter((source) => packets.some((each) => each.address === canaryOf(source))),
  v6: SOURCES_V6.filter((source) => packets.some((each) => each.address === canaryV6Of(source))),
});

it('where the network is allowed, every source of addresses is followed: the control', async () => {
  const { packets, isAlive } = await run({ allowed: CANARIES, settleMs: SETTLE_MS });
  expect(reached(packets)).toEqual({ v4: [...SOURCES], v6: [...SOURCES_V6] });
  expect(isAlive).toBe(true);
});

it('where it is not, no packet goes to any of them, nor to anywhere else that is not allowed', async () => {
  const { packets, isAlive } = await run({ allowed: [], settleMs: SETTLE_IN_VAIN_MS });
  expect(reached(packets)).toEqual({ v4: [], v6: [] });
  const stray = packets.filter(({ address }) => !/^(127\.|10\.99\.0\.|::1$|fe80:|ff02:)/.test(address));
  expect(stray).toEqual([]);
  expect(isAlive).toBe(true);
});
