import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { SetupError, say } from '../project.mjs';
import { readCommand, runCommand } from '../setup/run-command.mjs';
import { BIN_DIR, CACHE_DIR, COREDNS_VERSION, KUBERNETES_VERSION, SOURCE_DIR } from './place.mjs';

/** Kubernetes 1.34 asks for it. */
const GO_MINOR = 24;
const VERSION_PACKAGE = 'k8s.io/component-base/version';

/**
 * Builds Kubernetes (one program, told apart by the name it is started as), its DNS server and the pause program, once per
 * version. Takes up to ten minutes and 6.5 GB, most of which is given back.
 */
export async function ensureClusterPrograms() {
  if (existsSync(join(BIN_DIR, 'cluster'))) return;
  await checkGo();
  say(`building Kubernetes ${KUBERNETES_VERSION} for the test cluster: once, in up to ten minutes`);
  const making = `${BIN_DIR}.new-${process.pid}`;
  const goDir = join(CACHE_DIR, `go-${process.pid}`);
  await mkdir(making, { recursive: true });
  const env = {
    ...process.env,
    CGO_ENABLED: '0',
    GOFLAGS: '-buildvcs=false -modcacherw',
    GOMODCACHE: join(goDir, 'mod'),
    GOCACHE: join(goDir, 'build'),
    GOBIN: making,
  };
  const go = async (...args) => {
    // CI builds it beside the tests of what needs no cluster, which measure time.
    const code = await runCommand('nice', ['-n', '19', 'go', ...args], { env, cwd: SOURCE_DIR });
    if (code !== 0) throw new SetupError(`go ${args.slice(0, 2).join(' ')} failed with ${code}`);
  };
  try {
    const [major, minor] = KUBERNETES_VERSION.split('.');
    const version = { gitVersion: `v${KUBERNETES_VERSION}`, gitMajor: major, gitMinor: minor };
    const flags = Object.entries(version).map(([name, value]) => `-X ${VERSION_PACKAGE}.${name}=${value}`);
    await go('build', '-trimpath', '-ldflags', `-s -w ${flags.join(' ')}`, '-o', join(making, 'cluster'), '.');
    await go('build', '-trimpath', '-ldflags', '-s -w', '-o', join(making, 'pause'), './pause');
    await go('install', '-trimpath', `github.com/coredns/coredns@${COREDNS_VERSION}`);
    await rm(BIN_DIR, { recursive: true, force: true });
    await rename(making, BIN_DIR);
  } finally {
    await rm(making, { recursive: true, force: true });
    await rm(goDir, { recursive: true, force: true });
  }
}

async function checkGo() {
  const text = await readCommand('go', ['version']);
  const [, major, minor] = /go(\d+)\.(\d+)/.exec(text ?? '') ?? [];
  if (Number(major) > 1 || Number(minor) >= GO_MINOR) return;
  throw new SetupError(
    `the test cluster is built with Go 1.${GO_MINOR} or later, and ${text ? `this is ${text.trim()}` : 'there is none here'}`,
  );
}
