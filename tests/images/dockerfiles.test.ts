import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { buildChildCommand } from '../../services/gateway/src/workloads/local/child-command.ts';
import { readEntrypoint } from '../../tools/images/entrypoint.mjs';
import { isNeeded } from '../../tools/images/needed-files.mjs';
import { readOptions } from '../../tools/images/options.mjs';
import { ROLES } from '../../tools/images/roles.mjs';
import { NODE_VERSION } from '../../tools/setup/node-toolchain.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const files = readdirSync(join(ROOT, 'docker')).filter((name) => name.endsWith('.Dockerfile'));

test('every image has a Dockerfile, and every Dockerfile is an image', () => {
  expect(files.map((name) => name.replace('.Dockerfile', '')).sort()).toEqual(Object.keys(ROLES).sort());
});

describe.each(files)('%s', (file) => {
  const text = read(`docker/${file}`);

  test('ends in an image of nothing but what is copied, without root, with a health check and labels', () => {
    const last = text.slice(text.lastIndexOf('\nFROM '));
    expect(last).toMatch(/^\nFROM scratch$/m);
    expect(last).toMatch(/^USER 10001:10001$/m);
    expect(last).toMatch(/^HEALTHCHECK .* CMD \["/m);
    for (const label of ['title', 'description', 'version', 'revision', 'licenses'])
      expect(last).toContain(`org.opencontainers.image.${label}=`);
    expect(last).not.toMatch(/^RUN/m);
  });

  test('is built on the Node that everything else runs with', () => {
    expect(text).toContain(`ARG BUILD_IMAGE=docker.io/library/node:${NODE_VERSION}-bookworm-slim`);
  });

  test('runs what it is, behind an init', () => {
    const role = file.replace('.Dockerfile', '');
    const [init, separator, program, ...args] = readEntrypoint(text);
    expect([init, separator]).toEqual(['tini', '--']);
    expect(ROLES[role as keyof typeof ROLES].programs).toContain(program);
    if (role !== 'redis') expect(args.at(-1)).toMatch(/^\/app\/services\/[a-z]+\/src\/main\.ts$/);
  });
});

test.each(['downloader', 'transcoder'] as const)(
  'a %s in a pod runs with the flags of one that is a child process',
  (service) => {
    const kind = service === 'downloader' ? 'downloader' : 'run';
    const place = { specFile: '', workDir: '', token: '', callHomeUrl: '', port: 0, logLevel: '' };
    const { file, args } = buildChildCommand({ kind }, place, 'node', '');
    const child = [file, ...args];
    const [, , ...pod] = readEntrypoint(read(`docker/${service}.Dockerfile`));
    const flags = (command: string[]) => command.slice(command.indexOf('node') + 1, -1);
    expect(flags(pod)).toEqual(flags(child));
  },
);

test('compose.yaml runs the image of this version, read-only, without rights, for this machine alone', () => {
  const { services } = parse(read('docker/compose.yaml'));
  const { version } = JSON.parse(read('package.json'));
  expect(services.lodestream.image).toBe(`lodestream/lodestream:${version}`);
  expect(services.lodestream).toMatchObject({ read_only: true, cap_drop: ['ALL'], security_opt: ['no-new-privileges:true'] });
  expect(services.lodestream.ports).toEqual(['127.0.0.1:8080:8080']);
});

describe('what an image has of a package', () => {
  test.each(['/index.js', '/LICENSE.md', '/lib/docs.js', '/data.json', '/prebuilds/linux-x64/node.napi.node', '/lib/src/x.js'])(
    '%s',
    (path) => {
      expect(isNeeded(path)).toBe(true);
    },
  );

  test.each(['/README.md', '/index.d.ts', '/dist/index.js.map', '/test/index.js', '/examples', '/deps/libutp/utp.cpp'])(
    'not %s',
    (path) => {
      expect(isNeeded(path)).toBe(false);
    },
  );
});

describe('what npm run images is told', () => {
  test('builds for this machine, publishes for all', () => {
    expect(readOptions([], 'arm64')).toMatchObject({ arches: ['arm64'], refresh: false, images: Object.keys(ROLES) });
    expect(readOptions(['--push', 'r.example'], 'amd64')).toMatchObject({ arches: ['amd64', 'arm64'], refresh: true });
    expect(readOptions(['--push', 'r.example', '--no-refresh'], 'amd64')).toMatchObject({ refresh: false });
    expect(readOptions(['--layout', 'd', '--arch', 'amd64', '--image', 'redis'], 'amd64')).toMatchObject({
      arches: ['amd64'],
      refresh: false,
      images: ['redis'],
    });
  });

  test.each([
    ['--arch', 'i386'],
    ['--image', 'films'],
    ['--push', 'https://r.example'],
  ])('%s %s is refused', (...args) => {
    expect(() => readOptions(args, 'amd64')).toThrow(args[0]);
  });
});
