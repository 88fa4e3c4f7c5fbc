import { existsSync } from 'node:fs';
import { chmod, rm, writeFile } from 'node:fs/promises';
import { SetupError, say } from '../project.mjs';
import { readCommand, runCommand } from './run-command.mjs';

/** Debian's places that a user's PATH may lack. */
const PROGRAM_DIRS = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin'];
/** Tells Debian's packages not to start the services that they bring (`invoke-rc.d(8)`): 101 is "not allowed". */
const POLICY_PATH = '/usr/sbin/policy-rc.d';
const POLICY = '#!/bin/sh\nexit 101\n';

/** A program that we need, the Debian package that has it, and how to see that it is there. */
const program = (name, debianPackage) => ({ name, debianPackage, isThere: async () => hasProgram(name) });

/** `setpriv --pdeathsig` keeps children from outliving their parents (Linux only). */
const START_PROGRAMS = [
  { name: 'ffmpeg 5.1 or later, with libx264', debianPackage: 'ffmpeg', isThere: hasFfmpeg },
  ...(process.platform === 'linux' ? [program('setpriv', 'util-linux')] : []),
];

const TEST_PROGRAMS = [
  ...START_PROGRAMS,
  program('transmission-daemon', 'transmission-daemon'),
  program('transmission-create', 'transmission-cli'),
  program('aria2c', 'aria2'),
  program('qbittorrent-nox', 'qbittorrent-nox'),
  program('chromium', 'chromium'),
  program('redis-server', 'redis-server'),
  program('nginx', 'nginx-light'),
  // Network namespaces of their own, for what must not leave the machine and for what loopback cannot show.
  program('ip', 'iproute2'),
  program('unshare', 'util-linux'),
  // An operator's own registry.
  program('docker-registry', 'docker-registry'),
  program('openssl', 'openssl'),
  // Starts the images as a kubelet's runtime would.
  program('runc', 'runc'),
  {
    name: 'python3-libtorrent',
    debianPackage: 'python3-libtorrent',
    isThere: async () => (await readCommand('/usr/bin/python3', ['-c', 'import libtorrent'])) !== null,
  },
];

/** A container runtime and its network. */
const NODE_PROGRAMS = [
  program('containerd', 'containerd'),
  program('runc', 'runc'),
  {
    name: 'the plugins of CNI',
    debianPackage: 'containernetworking-plugins',
    isThere: async () => existsSync('/usr/lib/cni/bridge'),
  },
  program('iptables', 'iptables'),
  program('openssl', 'openssl'),
  program('ip', 'iproute2'),
];
/** What builds images without a registry. */
const IMAGE_PROGRAMS = [program('buildah', 'buildah'), program('mmdebstrap', 'mmdebstrap')];

/** What running Lodestream needs beside Node. */
export const ensureStartPrograms = () => ensurePrograms(START_PROGRAMS);
/** What the tests need: real clients, a real browser, real servers. */
export const ensureTestPrograms = () => ensurePrograms(TEST_PROGRAMS);
/** What a node of the test cluster needs. */
export const ensureNodePrograms = () => ensurePrograms(NODE_PROGRAMS);
/** What building the images without a registry needs. */
export const ensureImagePrograms = () => ensurePrograms(IMAGE_PROGRAMS);

/** Installs what is missing where we may (Debian, as root), else says exactly what to do. */
async function ensurePrograms(wanted) {
  const missing = await findMissing(wanted);
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((one) => one.debianPackage))].join(' ');
  const names = missing.map((one) => one.name).join(', ');
  const command = `apt-get install -y --no-install-recommends ${packages}`;
  if (!hasProgram('apt-get'))
    throw new SetupError(`missing: ${names}. Install them and start again (Debian's packages: ${packages}).`);
  if (process.getuid?.() !== 0)
    throw new SetupError(`missing: ${names}. Run this and start again:\n  sudo apt-get update && sudo ${command}`);
  say(`installing ${packages} with apt`);
  await withServicesOff(async () => {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await runCommand('apt-get', ['update', '-qq'], { env });
    await runCommand('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages.split(' ')], { env });
  });
  const stillMissing = await findMissing(missing);
  if (stillMissing.length > 0)
    throw new SetupError(
      `apt did not bring ${stillMissing.map((one) => one.name).join(', ')}. Run this and start again:\n  ${command}`,
    );
}

async function findMissing(wanted) {
  const isThere = await Promise.all(wanted.map((one) => one.isThere()));
  return wanted.filter((_, index) => !isThere[index]);
}

/** An installed redis or nginx must not begin to listen on a machine that only wanted to run tests. */
async function withServicesOff(work) {
  const isOurs = !existsSync(POLICY_PATH);
  if (isOurs) {
    await writeFile(POLICY_PATH, POLICY);
    await chmod(POLICY_PATH, 0o755);
  }
  try {
    await work();
  } finally {
    if (isOurs) await rm(POLICY_PATH, { force: true });
  }
}

function hasProgram(name) {
  return PROGRAM_DIRS.some((dir) => existsSync(`${dir}/${name}`));
}

/** `-fps_mode` and the bitstream filter options that the runs rely on came with 5.1. */
async function hasFfmpeg() {
  const [version, encoders, ffprobe] = await Promise.all([
    readCommand('ffmpeg', ['-hide_banner', '-version']),
    readCommand('ffmpeg', ['-hide_banner', '-encoders']),
    readCommand('ffprobe', ['-version']),
  ]);
  return ffprobe !== null && (encoders ?? '').includes('libx264') && isFfmpegNewEnough(version ?? '');
}

/** Reads `ffmpeg version 5.1.9-0+deb12u1 …`; a build from git (`N-109000-g…`) is newer than any release that we refuse. */
export function isFfmpegNewEnough(text) {
  const match = /^ffmpeg version (?:n?(\d+)\.(\d+)|N-)/m.exec(text);
  if (!match) return false;
  if (match[1] === undefined) return true;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major > 5 || (major === 5 && minor >= 1);
}
