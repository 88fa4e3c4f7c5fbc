import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { pickFreePort, startProcess, waitFor } from '@lodestream/testing';
import { HELM } from '../../../tools/setup/helm.mjs';
import { CHART } from '../../chart/support/render.ts';

const run = promisify(execFile);
const COMMAND_MS = 180_000;
/** All metrics of an API server are several MiB. */
const MAX_OUTPUT_BYTES = 64 * 2 ** 20;
const READY_MS = 120_000;

/** What a command prints; rejects with what it says when it fails. */
export async function command(program: string, ...args: string[]): Promise<string> {
  return (await run(program, args, { timeout: COMMAND_MS, maxBuffer: MAX_OUTPUT_BYTES })).stdout;
}

export type Release = AsyncDisposable & {
  readonly namespace: string;
  /** `kubectl --namespace … ARGS`. */
  kubectl(...args: string[]): Promise<string>;
  helm(...args: string[]): Promise<string>;
  /** The chart and its values, as an upgrade needs them again. */
  readonly chartArgs: string[];
  /** The gateway at a loopback address, by the command that the chart's NOTES name. */
  forward(): Promise<AsyncDisposable & { baseUrl: string }>;
  /** `helm test`; rejects with what the test's pod wrote. */
  check(): Promise<void>;
  /** Names of pods. */
  pods(): Promise<string[]>;
};

/** Installs the chart, with the values of the command line, in a namespace of its own, and waits until it is ready. */
export async function installRelease(...values: string[]): Promise<Release> {
  const namespace = `films-${randomBytes(4).toString('hex')}`;
  const kubectl = (...args: string[]) => command('kubectl', '--namespace', namespace, ...args);
  const helm = (...args: string[]) => command(HELM, '--namespace', namespace, ...args);
  const remove = async () => {
    await helm('uninstall', 'films', '--ignore-not-found').catch(() => {});
    await command('kubectl', 'delete', 'namespace', namespace, '--wait=false');
  };
  try {
    await helm('install', 'films', CHART, '--create-namespace', '--wait', '--timeout', '150s', ...values);
  } catch (error) {
    const state = await kubectl('describe', 'pods').catch(() => '');
    await remove();
    throw new Error(`the chart was not installed:\n${state.slice(-4000)}`, { cause: error });
  }
  return {
    namespace,
    kubectl,
    helm,
    chartArgs: [CHART, ...values],
    async forward() {
      const port = await pickFreePort();
      const args = ['--namespace', namespace, 'port-forward', 'service/films-lodestream', `${port}:80`];
      const forwarding = startProcess('kubectl', args);
      const baseUrl = `http://127.0.0.1:${port}`;
      await waitFor(async () => (await fetch(`${baseUrl}/readyz`, { signal: AbortSignal.timeout(2000) })).ok, {
        what: 'the gateway answers',
        timeoutMs: READY_MS,
      });
      return { baseUrl, [Symbol.asyncDispose]: () => forwarding.stop() };
    },
    async check() {
      try {
        await helm('test', 'films', '--timeout', '120s');
      } catch (error) {
        const said = await kubectl('logs', 'films-lodestream-test').catch(String);
        throw new Error(`the chart's own test failed:\n${said}`, { cause: error });
      }
    },
    async pods() {
      return (await kubectl('get', 'pods', '--output=name')).split('\n').flatMap((line) => line.split('/')[1] ?? []);
    },
    [Symbol.asyncDispose]: remove,
  };
}
