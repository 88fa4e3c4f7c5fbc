import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MACHINE_CACHE_DIR, SetupError, say } from '../project.mjs';
import { readCommand, runCommand } from './run-command.mjs';

/** No Debian has helm; Go's ordinary client builds this one, in two to five minutes, once per machine. */
const HELM_VERSION = '4.3.1';
const HELM_DIR = join(MACHINE_CACHE_DIR, `helm-${HELM_VERSION}`);
/** Where it lies once it has been built. */
export const HELM = join(HELM_DIR, 'helm');

/** Makes sure that the pinned helm is there and gives its path. Needs Go 1.25 or later, and the network once. */
export async function ensureHelm() {
  if (existsSync(HELM)) return HELM;
  if ((await readCommand('go', ['version'])) === null)
    throw new SetupError('missing: Go 1.25 or later, to build helm with. Install it and start again.');
  say(`building helm ${HELM_VERSION} (once per machine)`);
  await mkdir(HELM_DIR, { recursive: true });
  const env = { ...process.env, GOBIN: HELM_DIR, CGO_ENABLED: '0' };
  const args = ['install', '-trimpath', '-ldflags=-s -w', `helm.sh/helm/v4/cmd/helm@v${HELM_VERSION}`];
  if ((await runCommand('go', args, { env })) !== 0)
    throw new SetupError('helm could not be built: is the Go module proxy reachable?');
  return HELM;
}
