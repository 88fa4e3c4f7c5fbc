import { execFileSync, spawn } from 'node:child_process';
import { type Dirent, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUILDAH } from '../../../tools/images/buildah.mjs';

/** A service ends within seconds of a SIGTERM. */
const STOP_TIMEOUT_MS = 20_000;

type ImageConfig = { User: string; Env: string[]; Entrypoint: string[]; WorkingDir: string; Healthcheck?: { Test: string[] } };

export function readImageConfig(image: string): ImageConfig & { Labels: Record<string, string> } {
  const text = execFileSync('buildah', [...BUILDAH, 'inspect', '--type', 'image', image], { encoding: 'utf8' });
  return JSON.parse(text).Docker.config;
}

/** The files of an image, to look at; they go with the container. */
export function mountImage(image: string): { root: string } & Disposable {
  const container = execFileSync('buildah', [...BUILDAH, 'from', '--pull-never', image], { encoding: 'utf8' }).trim();
  const root = execFileSync('buildah', [...BUILDAH, 'mount', container], { encoding: 'utf8' }).trim();
  return {
    root,
    [Symbol.dispose]: () => void execFileSync('buildah', [...BUILDAH, 'rm', container], { stdio: 'ignore' }),
  };
}

/** Every path of a root, without following links, as `recursive` would: /bin is one. */
export function listFiles(root: string): { entry: Dirent; path: string }[] {
  return readdirSync(root, { withFileTypes: true }).flatMap((entry) => {
    const path = join(root, entry.name);
    return [{ entry, path }, ...(entry.isDirectory() ? listFiles(path) : [])];
  });
}

export type Container = AsyncDisposable & {
  /** Everything that it has said so far. */
  log(): string;
  /** Runs a command inside, as its user; gives the exit code. */
  exec(args: string[]): Promise<number>;
  startedAt: number;
};

/**
 * Starts an image as Pod Security `restricted` has it: its own user, no capabilities, no new privileges, a read-only root with /tmp and
 * /data to write to. Debian's runc does what a kubelet's would. It shares this machine's network, so that its port can be asked.
 */
export function startContainer(image: string, env: Record<string, string>, args: string[] = []): Container {
  const config = readImageConfig(image);
  const mounted = mountImage(image);
  const bundle = mkdtempSync(join(tmpdir(), 'lodestream-bundle-'));
  const state = join(bundle, 'state');
  const id = `lodestream-test-${process.pid}-${bundle.slice(-6)}`;
  mkdirSync(state);
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(runtimeConfig(config, mounted.root, env, args)));
  const startedAt = performance.now();
  const child = spawn('runc', ['--root', state, 'run', '--bundle', bundle, id], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (log += chunk));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    startedAt,
    log: () => log,
    exec: (command) =>
      new Promise((resolve) => {
        const inside = spawn('runc', ['--root', state, 'exec', id, ...command], { stdio: 'ignore' });
        inside.once('exit', (code) => resolve(code ?? 255));
      }),
    async [Symbol.asyncDispose]() {
      const signal = (name: string) => spawn('runc', ['--root', state, 'kill', id, name], { stdio: 'ignore' });
      signal('TERM');
      const timer = setTimeout(() => signal('KILL'), STOP_TIMEOUT_MS);
      await ended;
      clearTimeout(timer);
      mounted[Symbol.dispose]();
      rmSync(bundle, { recursive: true, force: true });
    },
  };
}

function runtimeConfig(config: ImageConfig, root: string, env: Record<string, string>, args: string[]) {
  const [uid = 0, gid = 0] = config.User.split(':').map(Number);
  const writable = (destination: string) => ({
    destination,
    type: 'tmpfs',
    source: 'tmpfs',
    options: ['nosuid', 'nodev', 'mode=0700', `uid=${uid}`, `gid=${gid}`, 'size=512m'],
  });
  return {
    ociVersion: '1.0.2',
    process: {
      terminal: false,
      user: { uid, gid },
      args: [...config.Entrypoint, ...args],
      env: [...config.Env, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)],
      cwd: config.WorkingDir || '/',
      noNewPrivileges: true,
      capabilities: { bounding: [], effective: [], inheritable: [], permitted: [], ambient: [] },
      rlimits: [{ type: 'RLIMIT_NOFILE', hard: 4096, soft: 4096 }],
    },
    root: { path: root, readonly: true },
    hostname: 'test',
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
      ...['/tmp', '/data'].map(writable),
    ],
    linux: { namespaces: [{ type: 'pid' }, { type: 'ipc' }, { type: 'uts' }, { type: 'mount' }] },
  };
}

export const readJson = (path: string) => JSON.parse(readFileSync(path, 'utf8'));
