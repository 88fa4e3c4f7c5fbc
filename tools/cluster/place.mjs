import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MACHINE_CACHE_DIR } from '../project.mjs';

/** Where the parts of the test cluster lie, and how it is numbered. One cluster at a time on a machine. */
export const SOURCE_DIR = dirname(fileURLToPath(import.meta.url));
export const COREDNS_VERSION = 'v1.12.4';

export const CACHE_DIR = join(MACHINE_CACHE_DIR, 'cluster');

/** The version of Kubernetes that go.mod names, without its `v`. */
export const KUBERNETES_VERSION = /k8s\.io\/kubernetes v(\S+)/.exec(readFileSync(join(SOURCE_DIR, 'go.mod'), 'utf8'))?.[1] ?? '';

/** What decides the programs: another hash is another build, and other branches' builds stay where they are. */
export function buildHash() {
  const hash = createHash('sha256').update(`${COREDNS_VERSION} ${process.arch}`);
  for (const file of ['go.mod', 'go.sum', 'main.go', 'pause/main.go']) hash.update(readFileSync(join(SOURCE_DIR, file)));
  return hash.digest('hex').slice(0, 16);
}

export const BIN_DIR = join(CACHE_DIR, 'bin', `${KUBERNETES_VERSION}-${buildHash()}`);
/** All that the running cluster writes; `down` removes it. A socket's path has at most 107 characters. */
export const STATE_DIR = join(CACHE_DIR, 'state');
export const KUBECONFIG = join(STATE_DIR, 'admin.kubeconfig');

export const NODE_NAME = 'lab';
export const BRIDGE = 'lodecni0';
export const POD_NETWORK = '10.244.0.0/24';
/** This machine, for pods: seeders, trackers and a gateway may listen here. */
export const HOST_ADDRESS = '10.244.0.1';
export const SERVICE_NETWORK = '10.96.0.0/16';
export const PAUSE_IMAGE = 'docker.io/library/pause:lab';
