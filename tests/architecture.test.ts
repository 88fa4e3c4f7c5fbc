import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROBLEM_CODES } from '@lodestream/shared';
import { describe, expect, test } from 'vitest';

/** What must hold of the tree and what biome.json cannot say. */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
const list = (...patterns: string[]) =>
  globSync(patterns, { cwd: ROOT, exclude: (name) => ['node_modules', 'dist'].includes(name) }).sort();
/** What is shipped: no tests, no declarations of foreign types. */
const sources = list('services/*/src/**/*.ts', 'packages/{shared,service-kit}/src/**/*.ts', 'web/src/**/*.{ts,vue}').filter(
  (path) => !path.endsWith('.test.ts') && !path.endsWith('.d.ts'),
);

describe('one library, one home', () => {
  test.each([
    ['webtorrent', 'services/downloader/src/torrent/swarm.ts'],
    ['fluent-ffmpeg', 'services/transcoder/src/ffmpeg/ffmpeg-process.ts'],
    ['ioredis', 'services/gateway/src/state/redis-store.ts'],
    ['@kubernetes/client-node', 'services/gateway/src/denylist/read-config-map.ts'],
    ['hls.js', 'web/src/player/use-hls.ts'],
  ])('%s is imported by %s alone', (library, home) => {
    const importsIt = new RegExp(
      `(?:^import (?!type )[^;]*?from |\\bimport\\()'${library.replaceAll('.', '\\.')}(?:/[^']*)?'`,
      'm',
    );
    expect(sources.filter((path) => importsIt.test(read(path)))).toEqual([home]);
  });
});

test('every service has the same skeleton', () => {
  for (const service of list('services/*')) {
    expect(existsSync(join(ROOT, service, 'src/main.ts')), `${service}/src/main.ts`).toBe(true);
    expect(existsSync(join(ROOT, service, 'src/app.ts')), `${service}/src/app.ts`).toBe(true);
    // A worker's settings are its spec, and service-kit reads it.
    const hasConfig = existsSync(join(ROOT, service, 'src/config.ts')) || /loadWorkerConfig/.test(read(`${service}/src/main.ts`));
    expect(hasConfig, `${service} reads its settings in one place`).toBe(true);
  }
});

test('every problem code is used by a service', () => {
  const text = sources
    .filter((path) => !path.endsWith('shared/src/problem.ts'))
    .map(read)
    .join('\n');
  expect(PROBLEM_CODES.filter((code) => !text.includes(`'${code}'`))).toEqual([]);
});

test('every setting of the gateway is in docs/operations.md, and every setting there exists', () => {
  const setting = /LODESTREAM_[A-Z0-9_]+/g;
  const inCode = new Set(read('services/gateway/src/config.ts').match(setting));
  const inDocs = new Set(read('docs/operations.md').match(setting));
  expect(
    [...inCode].filter((name) => !inDocs.has(name)),
    'not documented',
  ).toEqual([]);
  const elsewhere = [...sources, ...list('tools/**/*.mjs', 'web/vite.config.ts')].map(read).join('\n');
  expect(
    [...inDocs].filter((name) => !inCode.has(name) && !elsewhere.includes(name)),
    'not in the code',
  ).toEqual([]);
});

test('every relative link in the documents leads somewhere', () => {
  const broken = list('*.md', 'docs/**/*.md', 'services/**/*.md', 'packages/**/*.md', 'web/*.md').flatMap((path) =>
    [...read(path).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !existsSync(join(ROOT, dirname(path), decodeURIComponent(target))))
      .map((target) => `${path} → ${target}`),
  );
  expect(broken).toEqual([]);
});

test('every test that docs/hostile-input.md names is there', () => {
  const named = [...read('docs/hostile-input.md').matchAll(/`([\w/.-]+\.ts)`(?:: ([^|,]+))?/g)].map(
    ([, path = '', title = '']) => ({
      path:
        path.includes('services/') || path.includes('packages/') || path.startsWith('tests/')
          ? path
          : `services/downloader/test/${path}`,
      title: title.trim(),
    }),
  );
  expect(named.length).toBeGreaterThan(30);
  const missing = named.filter(({ path, title }) => !existsSync(join(ROOT, path)) || !hasTitle(path, title));
  expect(missing).toEqual([]);
});

/** The titles of a file are its own text, and that of the tables beside it. */
function hasTitle(path: string, title: string): boolean {
  return list(path, join(dirname(path), '*-messages.ts')).some((file) => read(file).includes(title));
}

test('the contract is written for browsers too: nothing of Node’s in it', () => {
  const files = sources.filter((path) => path.startsWith('packages/shared/'));
  expect(files.filter((path) => /from 'node:|\bprocess\.|\bBuffer\b/.test(read(path)))).toEqual([]);
});
