import { mkdirSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError, say } from '../project.mjs';
import { readCommand, runCommand } from '../setup/run-command.mjs';
import * as configs from './configs.mjs';
import { takeDown } from './down.mjs';
import { preparePodNetwork, readSysctls } from './host.mjs';
import { importPauseImage } from './images.mjs';
import { BIN_DIR, BRIDGE, HOST_ADDRESS, KUBECONFIG, NODE_NAME, POD_NETWORK, STATE_DIR } from './place.mjs';
import { startPart, waitUntil } from './processes.mjs';

const API_MS = 90_000;
const NODE_MS = 90_000;
const CONTAINERD_MS = 30_000;
/** Images 1.4 GB, again as much while they are built, and a film in several pods: a node that runs out of disk ends pods. */
const MIN_FREE_BYTES = 4 * 1024 ** 3;
const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet', 'kubectl'];
const FOLDERS = ['bin', 'cni', 'containerd', 'etcd', 'kubelet', 'kubelet-pki', 'log', 'pki', 'run'];

/** A whole cluster of one node on this machine, as root; resolves when the node is ready. What was there before goes. */
export async function bringUp() {
  await takeDown();
  for (const folder of FOLDERS) mkdirSync(join(STATE_DIR, folder), { recursive: true, mode: 0o700 });
  refuseFullDisk();
  for (const name of PROGRAMS) symlinkSync(join(BIN_DIR, 'cluster'), join(STATE_DIR, 'bin', name));
  writeFileSync(join(STATE_DIR, 'sysctls.json'), JSON.stringify(readSysctls()));
  await makeCertificates();
  writeConfigs();
  await makeBridge();

  const startedAt = performance.now();
  const seconds = () => ((performance.now() - startedAt) / 1000).toFixed(1);
  start('etcd');
  start('kube-apiserver');
  start('containerd');
  await wait('containerd', CONTAINERD_MS, async () => (await ctr('version')) !== null);
  await importPauseImage();
  await wait('the API server', API_MS, async () => (await kubectl('get', '--raw', '/readyz')) === 'ok');
  say(`the API server is ready after ${seconds()} s`);
  for (const name of ['kube-controller-manager', 'kube-scheduler', 'kube-proxy', 'kubelet', 'coredns']) start(name);
  await wait('the node', NODE_MS, async () => / Ready /.test((await kubectl('get', 'node', NODE_NAME, '--no-headers')) ?? ''));
  say(`the node is ready after ${seconds()} s`);
}

const COMMANDS = {
  etcd: () => [program('etcd'), configs.etcdArgs(STATE_DIR)],
  'kube-apiserver': () => [program('kube-apiserver'), configs.apiServerArgs(STATE_DIR)],
  containerd: () => ['containerd', [`--config=${STATE_DIR}/containerd.toml`]],
  'kube-controller-manager': () => [program('kube-controller-manager'), configs.controllerManagerArgs(STATE_DIR)],
  'kube-scheduler': () => [program('kube-scheduler'), configs.schedulerArgs(STATE_DIR)],
  'kube-proxy': () => [program('kube-proxy'), [`--config=${STATE_DIR}/proxy.json`]],
  kubelet: () => [program('kubelet'), configs.kubeletArgs(STATE_DIR)],
  coredns: () => [join(BIN_DIR, 'coredns'), ['-conf', `${STATE_DIR}/Corefile`]],
};

/** Starts a part of a cluster that is configured: tests of faults end one (`endPart`) and start it again. */
export function start(name) {
  startPart(name, ...COMMANDS[name]());
}

/** What kubectl prints, or null when it fails. */
export function kubectl(...args) {
  return readCommand(program('kubectl'), [`--kubeconfig=${KUBECONFIG}`, ...args]);
}

export function ctr(...args) {
  return readCommand('ctr', [`--address=${STATE_DIR}/run/containerd.sock`, '--namespace=k8s.io', ...args]);
}

function refuseFullDisk() {
  const { bavail, bsize } = statfsSync(STATE_DIR);
  const freeBytes = bavail * bsize;
  if (freeBytes >= MIN_FREE_BYTES) return;
  const gib = (bytes) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
  throw new SetupError(`the test cluster needs ${gib(MIN_FREE_BYTES)} of disk at ${STATE_DIR}, where ${gib(freeBytes)} are free`);
}

function program(name) {
  return join(STATE_DIR, 'bin', name);
}

async function wait(what, timeoutMs, isThere) {
  if (!(await waitUntil(isThere, timeoutMs, 200))) throw new SetupError(`${what} did not come up: see ${STATE_DIR}/log`);
}

function writeConfigs() {
  const write = (name, text) => writeFileSync(join(STATE_DIR, name), text, { mode: 0o600 });
  write('tokens.csv', configs.tokenFile());
  for (const [name, { token }] of Object.entries(configs.IDENTITIES)) write(`${name}.kubeconfig`, configs.kubeconfig(token));
  write('kubelet.json', configs.kubeletConfig(STATE_DIR));
  write('proxy.json', configs.proxyConfig(STATE_DIR));
  write('containerd.toml', configs.containerdConfig(STATE_DIR));
  write('Corefile', configs.dnsConfig(STATE_DIR));
  write('cni/10-lab.conflist', configs.networkConfig(STATE_DIR));
}

/** A key for service accounts, and a certificate by which the kubelet knows the API server. */
async function makeCertificates() {
  const pki = join(STATE_DIR, 'pki');
  const openssl = async (...args) => {
    if ((await readCommand('openssl', args)) === null) throw new SetupError(`openssl ${args[0]} failed`);
  };
  const at = (name) => join(pki, name);
  await openssl('genrsa', '-out', at('accounts.key'), '2048');
  await openssl('rsa', '-in', at('accounts.key'), '-pubout', '-out', at('accounts.pub'));
  const selfSigned = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30', '-subj', '/CN=lab-ca'];
  await openssl(...selfSigned, '-keyout', at('ca.key'), '-out', at('ca.crt'));
  const request = ['req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/O=system:masters/CN=kube-apiserver'];
  await openssl(...request, '-keyout', at('kubelet-client.key'), '-out', at('kubelet-client.csr'));
  const sign = ['x509', '-req', '-days', '30', '-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial'];
  await openssl(...sign, '-in', at('kubelet-client.csr'), '-out', at('kubelet-client.crt'));
}

/** The pods' bridge is there before the first pod: the kubelet and the Service `kubernetes` are at its address. */
async function makeBridge() {
  const ip = async (...args) => {
    if ((await runCommand('ip', args)) !== 0) throw new SetupError(`ip ${args.join(' ')} failed`);
  };
  preparePodNetwork();
  await ip('link', 'add', BRIDGE, 'type', 'bridge');
  await ip('addr', 'add', `${HOST_ADDRESS}/${POD_NETWORK.split('/')[1]}`, 'dev', BRIDGE);
  await ip('link', 'set', BRIDGE, 'up');
}
