import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pickFreePort, waitFor } from '@lodestream/testing';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { imageName, readVersion } from '../../tools/images/build-image.mjs';
import { askBuildah, removeUnnamedImages } from '../../tools/images/buildah.mjs';
import { ROLES } from '../../tools/images/roles.mjs';
import { type Container, listFiles, mountImage, readImageConfig, readJson, startContainer } from './support/container.ts';

/** The images as `npm run images` builds them, each started as Pod Security `restricted` has it. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const version = readVersion();
const BUILD_TIMEOUT_MS = 900_000;
const START_TIMEOUT_MS = 30_000;
const MIB = 1024 * 1024;
/** What an image may have, unpacked: a little above what it has. More is a file that nobody meant. */
const MAX_MIB: Record<string, number> = { gateway: 160, downloader: 170, transcoder: 420, lodestream: 440, redis: 60 };

beforeAll(() => {
  execFileSync(process.execPath, [join(ROOT, 'tools/images.mjs')], { cwd: ROOT, stdio: 'inherit', timeout: BUILD_TIMEOUT_MS });
}, BUILD_TIMEOUT_MS);

describe.each(Object.keys(ROLES))('%s', (role) => {
  const image = imageName(role, version);

  test('says what it is, runs as nobody special, and can say how it is', () => {
    const config = readImageConfig(image);
    expect(config.Labels).toMatchObject({ 'org.opencontainers.image.title': role, 'org.opencontainers.image.version': version });
    expect(config.Labels['org.opencontainers.image.revision']).toMatch(/^[0-9a-f]{40}$/);
    expect(config.User).toBe('10001:10001');
    expect(config.Healthcheck?.Test[0]).toBe('CMD');
  });

  test('is small, and has no program that nobody needs', () => {
    using mounted = mountImage(image);
    const files = listFiles(mounted.root);
    const bytes = files.reduce((sum, { entry, path }) => sum + (entry.isFile() ? lstatSync(path).size : 0), 0);
    expect(bytes / MIB).toBeLessThan(MAX_MIB[role]!);
    const programs = readdirSync(join(mounted.root, 'usr/bin')).sort();
    const wanted = ROLES[role as keyof typeof ROLES].programs.map((name: string) => (name === 'dash' ? 'sh' : name));
    expect(programs).toEqual(wanted.sort());
    expect(files.filter(({ path }) => (lstatSync(path).mode & 0o6000) !== 0).map(({ path }) => path)).toEqual([]);
  });

  test('has a folder that is its own, and gives it to the volume that is put there', () => {
    using mounted = mountImage(image);
    expect(lstatSync(join(mounted.root, 'data'))).toMatchObject({ uid: 10_001, gid: 10_001 });
    expect(lstatSync(mounted.root).uid).toBe(0);
  });

  test('has the licences of what is in it', () => {
    using mounted = mountImage(image);
    expect(existsSync(join(mounted.root, 'usr/share/doc/libc6/copyright'))).toBe(true);
    if (ROLES[role as keyof typeof ROLES].services.length > 0)
      expect(readdirSync(join(mounted.root, 'app/licences')).some((name) => name.startsWith('fastify@'))).toBe(true);
  });
});

test('an image goes once a later build has its name, unless it is open', async () => {
  const name = 'localhost/lodestream-test-unnamed';
  const build = async (label: string) => {
    const container = await askBuildah('from', 'scratch');
    await askBuildah('config', '--label', `build=${label}`, container);
    return askBuildah('commit', '--quiet', '--rm', container, name);
  };
  const old = await build('old');
  const open = await build('open');
  onTestFinished(async () => void (await askBuildah('rmi', name, open)));
  using _mounted = mountImage(name);
  const current = await build('current');
  await removeUnnamedImages();
  const kept = (await askBuildah('images', '--quiet', '--no-trunc')).split('\n').map((id: string) => id.replace('sha256:', ''));
  expect(kept).toEqual(expect.arrayContaining([open, current]));
  expect(kept).not.toContain(old);
});

const answers = (url: string) =>
  fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    (response) => response.status,
    () => 0,
  );

/** Waits; when it is in vain, the error has what the container said. */
async function holds(what: string, container: Container, condition: () => Promise<boolean>): Promise<void> {
  await waitFor(condition, { what, timeoutMs: START_TIMEOUT_MS, intervalMs: 10 }).catch((error) => {
    throw new Error(`${error.message}; it said:\n${container.log()}`, { cause: error });
  });
  console.info(`${what}: ${(performance.now() - container.startedAt).toFixed(0)} ms after the start of its container`);
}
const isUp = (role: string, url: string, status: number, container: Container) =>
  holds(`the ${role} answers`, container, async () => (await answers(url)) === status);

describe('started read-only, without rights', () => {
  test.each(['gateway', 'lodestream'])('%s answers, serves the web app, and is healthy', async (role) => {
    const port = await pickFreePort();
    const env = {
      LODESTREAM_PORT: String(port),
      LODESTREAM_INTERNAL_PORT: String(await pickFreePort()),
      LODESTREAM_DHT: 'false',
      LODESTREAM_TRACKERS: '',
    };
    await using container = startContainer(imageName(role, version), env);
    await isUp(role, `http://127.0.0.1:${port}/readyz`, 200, container);
    const page = await (await fetch(`http://127.0.0.1:${port}/`)).text();
    expect(page).toContain('<div id="app">');
    expect(await container.exec(['node', '/app/healthcheck.mjs'])).toBe(0);
  });

  test('the all-in-one starts a downloader for a torrent', async () => {
    const port = await pickFreePort();
    const base = `http://127.0.0.1:${port}`;
    const env = {
      LODESTREAM_PORT: String(port),
      LODESTREAM_INTERNAL_PORT: String(await pickFreePort()),
      LODESTREAM_DHT: 'false',
      LODESTREAM_TRACKERS: '',
    };
    await using container = startContainer(imageName('lodestream', version), env);
    await isUp('lodestream', `${base}/readyz`, 200, container);
    const infoHash = 'ab'.repeat(20);
    const headers = { 'content-type': 'application/json' };
    await fetch(`${base}/api/v1/torrents`, { method: 'POST', headers, body: JSON.stringify({ infoHash }) });
    const status = async () => ((await (await fetch(`${base}/api/v1/torrents/${infoHash}`)).json()) as { status: string }).status;
    await holds('its downloader has called home', container, async () => (await status()) === 'resolving');
  });

  const TOKEN = 'a token of a test';
  const jobs = {
    downloader: {
      kind: 'downloader',
      name: 'dl-test',
      ttlSeconds: 60,
      infoHash: 'ab'.repeat(20),
      source: { infoHash: 'ab'.repeat(20), displayName: 'x', trackers: [], peers: [] },
      diskBudgetBytes: 1e9,
      network: { dht: false, dhtBootstrap: [], trackers: [], allowedPrivateNetworks: [], uploadBytesPerSecond: 0 },
    },
    transcoder: {
      kind: 'probe',
      name: 'pr-test',
      ttlSeconds: 60,
      infoHash: 'ab'.repeat(20),
      fileIndex: 0,
      source: { url: 'http://127.0.0.1:9/0', token: '' },
      lengthBytes: 1,
    },
  };
  test.each(['downloader', 'transcoder'] as const)('a %s takes its job, answers its gateway, and is healthy', async (role) => {
    const port = await pickFreePort();
    const env = {
      LODESTREAM_TOKEN: TOKEN,
      LODESTREAM_SPEC: JSON.stringify(jobs[role]),
      LODESTREAM_WORK_DIR: '/tmp',
      LODESTREAM_WORKER_PORT: String(port),
    };
    await using container = startContainer(imageName(role, version), env);
    await isUp(role, `http://127.0.0.1:${port}/status`, 404, container);
    const status = await fetch(`http://127.0.0.1:${port}/status`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(((await status.json()) as { kind: string }).kind).toBe(jobs[role].kind);
    expect(await container.exec(['node', '/app/healthcheck.mjs'])).toBe(0);
  });

  test('a transcoder’s ffmpeg and ffprobe run, contained', async () => {
    const env = { LODESTREAM_TOKEN: TOKEN, LODESTREAM_SPEC: JSON.stringify(jobs.transcoder), LODESTREAM_WORK_DIR: '/tmp' };
    const port = await pickFreePort();
    await using container = startContainer(imageName('transcoder', version), { ...env, LODESTREAM_WORKER_PORT: String(port) });
    await isUp('transcoder', `http://127.0.0.1:${port}/status`, 404, container);
    const encode = [
      '-loglevel',
      'error',
      '-f',
      'lavfi',
      '-i',
      'testsrc2=d=1',
      '-f',
      'lavfi',
      '-i',
      'sine=d=1',
      '-c:v',
      'libx264',
      '-c:a',
      'aac',
    ];
    expect(await container.exec(['/app/services/transcoder/bin/contained-ffmpeg', ...encode, '/tmp/x.mp4'])).toBe(0);
    expect(await container.exec(['ffprobe', '-loglevel', 'error', '/tmp/x.mp4'])).toBe(0);
    expect(await container.exec(['sh', '-c', ': > /app/x'])).not.toBe(0);
  });

  test('Redis answers, and keeps nothing', async () => {
    const port = await pickFreePort();
    const args = ['--port', String(port), '--requirepass', 'secret', '--maxmemory', '16mb'];
    await using container = startContainer(imageName('redis', version), {}, args);
    const ask = (...command: string[]) => container.exec(['redis-cli', '-p', String(port), '-a', 'secret', '-e', ...command]);
    await holds('Redis answers', container, async () => (await ask('ping')) === 0);
    expect(await ask('set', 'a', 'b')).toBe(0);
    expect(await ask('save')).toBe(0);
  });
});

test('Node starts from the compiled code that came along, though it cannot write', async () => {
  const port = await pickFreePort();
  const env = {
    LODESTREAM_PORT: String(port),
    LODESTREAM_INTERNAL_PORT: String(await pickFreePort()),
    LODESTREAM_STANDBY: 'false',
    NODE_DEBUG_NATIVE: 'COMPILE_CACHE',
  };
  await using container = startContainer(imageName('gateway', version), env);
  await isUp('gateway', `http://127.0.0.1:${port}/readyz`, 200, container);
  const hits = container.log().match(/cache for .* (?:was accepted|hit)/g) ?? [];
  expect(hits.length, container.log().slice(0, 2000)).toBeGreaterThan(0);
});

test(
  'published, an image is one name for both processors, and the chart a package beside it',
  () => {
    const layout = join(ROOT, '.cache', 'layout-test');
    const args = ['tools/images.mjs', '--layout', layout, '--image', 'redis'];
    execFileSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit', timeout: BUILD_TIMEOUT_MS });
    const blob = (digest: string) => readJson(join(layout, 'redis/blobs', digest.replace(':', '/')));
    const index = readJson(join(layout, 'redis/index.json'));
    const list = blob(index.manifests[0].digest);
    expect(list.manifests.map((one: { platform: object }) => one.platform)).toEqual([
      expect.objectContaining({ os: 'linux', architecture: 'amd64' }),
      expect.objectContaining({ os: 'linux', architecture: 'arm64' }),
    ]);
    for (const { digest } of list.manifests) {
      const { config } = blob(blob(digest).config.digest);
      expect(config.User).toBe('10001:10001');
      expect(config.Entrypoint[0]).toBe('tini');
    }
    expect(readdirSync(join(layout, 'charts'))).toEqual([`lodestream-${version}.tgz`]);
    rmSync(layout, { recursive: true });
  },
  BUILD_TIMEOUT_MS,
);
