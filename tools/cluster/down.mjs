import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { readCommand } from '../setup/run-command.mjs';
import { removeChains, removeControlGroups, removeNamespaces, unmountBelow, writeSysctls } from './host.mjs';
import { BRIDGE, STATE_DIR } from './place.mjs';
import { endPart, findProcesses, waitUntil } from './processes.mjs';

const PARTS = ['kubelet', 'kube-proxy', 'coredns', 'kube-scheduler', 'kube-controller-manager', 'kube-apiserver', 'etcd'];
const SOCKET = join(STATE_DIR, 'run', 'containerd.sock');
const GONE_MS = 10_000;

/** Ends the cluster and removes every trace of it: processes, mounts, networks, rules, control groups, files. */
export async function takeDown() {
  if (!existsSync(STATE_DIR)) return;
  for (const name of PARTS) await endPart(name);
  await endContainers();
  await endPart('containerd');
  await unmountBelow(STATE_DIR);
  await removeNamespaces();
  await readCommand('ip', ['link', 'del', BRIDGE]);
  await removeChains();
  removeControlGroups();
  const sysctls = join(STATE_DIR, 'sysctls.json');
  if (existsSync(sysctls)) writeSysctls(JSON.parse(readFileSync(sysctls, 'utf8')));
  rmSync(STATE_DIR, { recursive: true, force: true, maxRetries: 5 });
}

/** Containers outlive containerd: each has a shim, and the shim holds the container. */
async function endContainers() {
  const ctr = (...args) => readCommand('ctr', [`--address=${SOCKET}`, '--namespace=k8s.io', ...args]);
  const tasks = ((await ctr('tasks', 'list', '-q')) ?? '').split('\n').filter(Boolean);
  for (const task of tasks) await ctr('tasks', 'kill', '-s', 'SIGKILL', task);
  await waitUntil(async () => !((await ctr('tasks', 'list')) ?? '').includes('RUNNING'), GONE_MS);
  for (const task of tasks) await ctr('tasks', 'delete', '-f', task);
  for (const pid of findProcesses(SOCKET)) if (isShim(pid)) process.kill(pid, 'SIGKILL');
}

function isShim(pid) {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('containerd-shim');
}
