import { expect, test } from 'vitest';
import { readProcess, startGateway } from '../src/index.ts';

test('a gateway is ready when it is given, and gone with its files afterwards', async () => {
  const gateway = await startGateway();
  expect((await fetch(`${gateway.baseUrl}/livez`)).status).toBe(200);
  expect(await gateway.files()).toContain('key');
  await gateway.stop();
  expect(readProcess(gateway.pid)).toBeNull();
  expect(await gateway.files()).toEqual([]);
});

test('settings that are wrong are shown', async () => {
  await expect(startGateway({ settings: { LODESTREAM_CACHE_TTL_SECONDS: 'soon' } })).rejects.toThrow(
    /LODESTREAM_CACHE_TTL_SECONDS/,
  );
});
