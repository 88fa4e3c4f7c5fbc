import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { runProcess } from '@lodestream/testing';

const TIMEOUT_MS = 10_000;

/** What a figure depends on, as lines for the report: the class of the machine and the versions, and nothing that names it. */
export async function readConditions(): Promise<string[]> {
  const [ffmpeg, chromium, nginx, libtorrent] = await Promise.all([
    version('ffmpeg', ['-version'], /ffmpeg version (\S+)/),
    version('chromium', ['--version'], /Chromium (\S+)/),
    version('sh', ['-c', '/usr/sbin/nginx -v 2>&1'], /nginx\/(\S+)/),
    version('/usr/bin/python3', ['-c', 'import libtorrent; print(libtorrent.__version__)'], /(\S+)/),
  ]);
  const processor = /model name\s*:\s*(.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? 'unknown';
  return [
    `${availableParallelism()} cores (${processor.replace(/\s+/g, ' ')}), ${Math.round(totalmem() / 1024 ** 3)} GiB of memory; everything on this one machine, the browser and the seeder too`,
    `Node ${process.versions.node}, ffmpeg ${ffmpeg}, Chromium ${chromium} (software decoding), libtorrent ${libtorrent}, nginx ${nginx}`,
  ];
}

async function version(command: string, args: string[], pattern: RegExp): Promise<string> {
  return pattern.exec(await runProcess(command, args, { timeoutMs: TIMEOUT_MS }))?.[1] ?? 'unknown';
}
