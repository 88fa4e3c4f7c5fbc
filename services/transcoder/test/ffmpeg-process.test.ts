import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { buildRunCommand, flattenCommand } from '../src/ffmpeg/ffmpeg-args.ts';
import { buildCommand, startFfmpeg } from '../src/ffmpeg/ffmpeg-process.ts';
import { audioRendition, runSpec, videoRendition } from './support/runs.ts';

const file = import.meta.filename;

test('fluent-ffmpeg passes exactly our argv', () => {
  for (const rendition of [videoRendition({ num: 25, den: 1 }, 800), audioRendition(32, 1)]) {
    const line = buildRunCommand(
      runSpec({ file, url: 'http://127.0.0.1:1/x', rendition, startSegment: 1 }),
      'http://127.0.0.1:1/x',
    );
    expect(buildCommand(line, '/')._getArguments()).toEqual(flattenCommand(line));
  }
});

test('a process that fails says how and why; one that is killed says that', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'lodestream-process-'));
  try {
    const line = {
      inputOptions: ['-nostdin', '-v', 'error'],
      source: 'missing.mkv',
      outputOptions: ['-f', 'null'],
      target: 'out',
    };
    const failing = await startFfmpeg(line, cwd);
    expect(await failing.exited).toEqual({ code: 1, signal: null });
    expect(failing.stderrTail()).toContain('missing.mkv');
    const endless = await startFfmpeg(
      { ...line, inputOptions: ['-nostdin', '-v', 'error', '-re', '-f', 'lavfi'], source: 'testsrc2' },
      cwd,
    );
    endless.sleep();
    endless.kill();
    expect(await endless.exited).toEqual({ code: null, signal: 'SIGKILL' });
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
});
