import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { listProcesses, waitFor } from '@lodestream/testing';
import { KUBECONFIG } from '../../../tools/cluster/place.mjs';
import { endPart } from '../../../tools/cluster/processes.mjs';
import { ctr, start } from '../../../tools/cluster/up.mjs';
import { command } from './release.ts';

/** What only the machine of the cluster can do to it: parts of it end, and containers without the cluster's knowledge. */

const READY_MS = 60_000;
const CONTROL_GROUPS = '/sys/fs/cgroup';
const OUT_OF_MEMORY_MS = 60_000;

/** Whether the tests run where the cluster's parts do; on an operator's cluster nobody may end them. */
export const IS_OUR_MACHINE = process.env.KUBECONFIG === KUBECONFIG;

export async function stopPart(name: 'kube-apiserver' | 'kubelet'): Promise<void> {
  await endPart(name, 'SIGKILL');
}

export async function startPart(name: 'kube-apiserver' | 'kubelet'): Promise<void> {
  start(name);
  if (name === 'kube-apiserver')
    await waitFor(() => command('kubectl', 'get', '--raw', '/readyz').catch(() => ''), {
      what: 'the API server is ready',
      timeoutMs: READY_MS,
    });
}

/** Ends every connection that the API server has with pods, in both directions and without a word. */
export async function cutApiConnections(podAddresses: readonly string[]): Promise<void> {
  for (const address of podAddresses) await command('ss', '--kill', '--tcp', 'dst', address, 'sport', '=', ':6443');
}

/** Kills the first process of the containers of pods whose name matches; the kubelet is not told. Gives how many. */
export async function killContainers(namespace: string, podName: RegExp): Promise<number> {
  const ids = String(await ctr('containers', 'list', '-q'))
    .split('\n')
    .filter(Boolean);
  let killed = 0;
  for (const id of ids) {
    const info = await ctr('containers', 'info', id);
    // Gone since it was listed.
    if (info === null) continue;
    const { Labels } = JSON.parse(info);
    const isSandbox = Labels['io.cri-containerd.kind'] === 'sandbox';
    if (isSandbox || Labels['io.kubernetes.pod.namespace'] !== namespace || !podName.test(Labels['io.kubernetes.pod.name']))
      continue;
    if ((await ctr('tasks', 'kill', '--signal', 'SIGKILL', id)) !== null) killed += 1;
  }
  return killed;
}

/** Takes away the memory of every container in which an ffmpeg runs, until the kernel has killed it. Gives how many died. */
export async function starveEncoders(): Promise<number> {
  const encoders = listProcesses().filter(({ pid, command }) => /^\S*ffmpeg /.test(command) && controlGroupOf(pid) !== undefined);
  await Promise.all(
    encoders.map(({ pid, command }) =>
      waitFor(
        () => {
          const group = controlGroupOf(pid);
          if (group === undefined || !listProcesses().some((one) => one.pid === pid && one.command === command)) return true;
          takeMemory(group);
          return false;
        },
        { what: `the kernel ends ffmpeg ${pid}`, timeoutMs: OUT_OF_MEMORY_MS },
      ),
    ),
  );
  return encoders.length;
}

/** The folder of the memory controller that a pod's process is in: of version 1 or 2. */
function controlGroupOf(pid: number): string | undefined {
  try {
    const lines = readFileSync(`/proc/${pid}/cgroup`, 'utf8').split('\n');
    const line = lines.find((one) => /^\d+:(?:\S+,)?memory(?:,\S+)?:/.test(one)) ?? lines.find((one) => one.startsWith('0::'));
    const path = line?.split(':')[2] ?? '';
    return path.includes('kubepods') ? join(CONTROL_GROUPS, line?.startsWith('0::') ? '' : 'memory', path) : undefined;
  } catch {
    return undefined;
  }
}

/** As little as the kernel lets it have: whatever it asks for next is too much. */
function takeMemory(group: string): void {
  for (const [limit, usage] of [
    ['memory.max', 'memory.current'],
    ['memory.limit_in_bytes', 'memory.usage_in_bytes'],
  ] as const)
    try {
      writeFileSync(join(group, limit), readFileSync(join(group, usage), 'utf8').trim());
    } catch {
      // The other version of control groups; or it could not give back so much at once, and is asked again.
    }
}
