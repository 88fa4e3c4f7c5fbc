import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { descendants, makeTempDir, readProcess, startProcess, waitFor } from '@lodestream/testing';
import { expect, test } from 'vitest';
import { planRestart } from '../../tools/supervise/restart-delay.mjs';

const SCRIPT = fileURLToPath(new URL('./fixtures/supervise-service.mjs', import.meta.url));
const NPM = fileURLToPath(new URL('./fixtures/npm.mjs', import.meta.url));
const TIMEOUT_MS = 10_000;

function startSupervised(...behaviour: string[]) {
  return startScript(SCRIPT, behaviour);
}

async function startScript(script: string, behaviour: string[]) {
  const dir = await makeTempDir('supervise');
  const logPath = join(dir.path, 'log');
  const supervisor = startProcess(process.execPath, [script, logPath, ...behaviour]);
  const log = async () => (await readFile(logPath, 'utf8').catch(() => '')).split('\n').filter(Boolean);
  return {
    supervisor,
    log,
    servicePid: async () => Number((await log()).at(-1)?.split(' ')[1]),
    isStarted: () => waitFor(async () => (await log()).length > 0, { what: 'the service has started', timeoutMs: TIMEOUT_MS }),
    [Symbol.asyncDispose]: async () => {
      await supervisor.stop();
      await dir[Symbol.asyncDispose]();
    },
  };
}

test('the delay doubles from half a second to 30 s, and begins again after a minute of health', () => {
  const delays: number[] = [];
  let crashes = 0;
  for (let i = 0; i < 9; i++) {
    const restart = planRestart({ exitCode: 1, uptimeMs: 100, crashes });
    if (!restart) throw new Error('a crash is never final');
    delays.push(restart.delayMs);
    crashes = restart.crashes;
  }
  expect(delays).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  expect(planRestart({ exitCode: 137, uptimeMs: 60_000, crashes })).toEqual({ delayMs: 500, crashes: 1 });
});

test.each([0, 78])('exit code %i is final', async (exitCode) => {
  await using run = await startSupervised('crash', String(exitCode));
  expect(await run.supervisor.exited).toBe(exitCode);
  expect(await run.log()).toHaveLength(1);
});

test('a service that crashes is started again, later every time', async () => {
  await using run = await startSupervised('crash', '3');
  await waitFor(async () => (await run.log()).length >= 3, { what: 'the third start', timeoutMs: TIMEOUT_MS });
  expect(run.supervisor.tail()).toContain('ended with 3; it is started again in 0.5 s');
  expect(run.supervisor.tail()).toContain('ended with 3; it is started again in 1 s');
});

test('a service that is killed is started again', async () => {
  await using run = await startSupervised('obey');
  await run.isStarted();
  const first = await run.servicePid();
  process.kill(first, 'SIGKILL');
  await waitFor(async () => (await run.servicePid()) !== first, { what: 'the second start', timeoutMs: TIMEOUT_MS });
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s asks the service to stop once, however often it comes, and leaves nothing',
  async (signal) => {
    await using run = await startSupervised('obey');
    await run.isStarted();
    const pid = await run.servicePid();
    run.supervisor.child.kill(signal);
    run.supervisor.child.kill(signal);
    expect(await run.supervisor.exited).toBe(0);
    expect((await run.log()).filter((line) => line === 'asked to stop')).toHaveLength(1);
    expect(readProcess(pid)).toBeNull();
  },
);

test('a service that does not obey is killed in the end', async () => {
  await using run = await startSupervised('ignore');
  await run.isStarted();
  const pid = await run.servicePid();
  run.supervisor.child.kill('SIGTERM');
  expect(await run.supervisor.exited).toBe(0);
  expect(run.supervisor.tail()).toContain('it is killed');
  expect(readProcess(pid)).toBeNull();
});

test('a stop while it waits for the next start is the end', async () => {
  await using run = await startSupervised('crash', '1');
  await waitFor(() => run.supervisor.tail().includes('again in 2 s'), { what: 'the third crash', timeoutMs: TIMEOUT_MS });
  run.supervisor.child.kill('SIGTERM');
  expect(await run.supervisor.exited).toBe(0);
  expect(await run.log()).toHaveLength(3);
});

test('the service stops when its supervisor is killed', async () => {
  await using run = await startSupervised('obey');
  await run.isStarted();
  const pid = await run.servicePid();
  expect(descendants(run.supervisor.pid).map((one) => one.pid)).toContain(pid);
  run.supervisor.child.kill('SIGKILL');
  await waitFor(() => readProcess(pid) === null || readProcess(pid)?.state === 'Z', {
    what: 'the service is gone',
    timeoutMs: TIMEOUT_MS,
  });
});

test('the service stops when the npm that started its supervisor is killed', async () => {
  await using run = await startScript(NPM, ['obey']);
  await run.isStarted();
  const pid = await run.servicePid();
  const family = descendants(run.supervisor.pid);
  expect(family.map((one) => one.pid)).toContain(pid);
  run.supervisor.child.kill('SIGKILL');
  await waitFor(() => family.every((one) => readProcess(one.pid) === null), { what: 'nobody is left', timeoutMs: TIMEOUT_MS });
  expect(await run.log()).toContain('asked to stop');
});
