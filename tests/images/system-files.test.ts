import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readElf } from '../../tools/images/elf.mjs';
import { findSystemFiles } from '../../tools/images/system-files.mjs';

const ARCH = process.arch === 'x64' ? 'amd64' : 'arm64';
/** What the loader itself says: every library by name, but for itself and the kernel's. */
function askLoader(program: string): string[] {
  const text = execFileSync('ldd', [program], { encoding: 'utf8' });
  return [...text.matchAll(/^\s+(\S+) => /gm)].map(([, name = '']) => name).sort();
}

describe('readElf', () => {
  test('a program names its loader and its libraries', () => {
    const elf = readElf(readFileSync('/bin/dash'));
    expect(elf?.interpreter).toMatch(/^\/lib.*ld-linux/);
    expect(elf?.needed).toContain('libc.so.6');
  });

  test.each(['/etc/passwd', '/proc/self/cmdline'])('%s is none', (path) => {
    expect(readElf(readFileSync(path))).toBeNull();
  });

  test('a cut one does not hang', () => {
    const whole = readFileSync('/bin/dash');
    for (const length of [0, 3, 63]) expect(readElf(whole.subarray(0, length))).toBeNull();
  });
});

describe('findSystemFiles', () => {
  test.each(['/bin/dash', '/usr/bin/ffmpeg'])('%s: the libraries that the loader would load', (program) => {
    const found = findSystemFiles('/', ARCH, [program.split('/').at(-1)]).map(([, to = '']) => to);
    const libraries = found.filter((to) => to.startsWith('/usr/lib/')).map((to) => to.split('/').at(-1));
    expect(libraries.sort()).toEqual(askLoader(program));
  });

  test('what is found is all that a program needs: it runs in a root of nothing else', () => {
    const root = mkdtempSync(join(tmpdir(), 'lodestream-root-'));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    for (const [from, to] of findSystemFiles('/', ARCH, ['ffprobe', 'env'])) {
      mkdirSync(dirname(join(root, to)), { recursive: true });
      copyFileSync(from, join(root, to));
    }
    const text = execFileSync('chroot', [root, '/usr/bin/env', '-i', '/usr/bin/ffprobe', '-version'], { encoding: 'utf8' });
    expect(text).toMatch(/^ffprobe version/);
  });

  test('a program that is not there is named', () => {
    expect(() => findSystemFiles('/', ARCH, ['no-such-program'])).toThrow('no-such-program');
  });
});
