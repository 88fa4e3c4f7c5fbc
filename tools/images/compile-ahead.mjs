import { spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT, SetupError } from '../project.mjs';
import { readEntrypoint } from './entrypoint.mjs';

/** Node keeps the compiled code of each user apart. */
const USER_ID = 10_001;
const DEADLINE_MS = 120_000;
const QUIET_MS = 1000;

/**
 * Starts every service once, as the image will, so that Node writes its compiled code to `app/.compile-cache`: starting from it takes half
 * the CPU. The processor, Node's version, its flags, the user and the paths must be those of the image.
 */
export async function compileAhead(services, app) {
  const cache = join(app, '.compile-cache');
  mkdirSync(cache, { recursive: true });
  chownSync(cache, USER_ID, USER_ID);
  for (const service of services) await (service === 'gateway' ? startGateway(app, cache) : rehearseWorker(service, app, cache));
  for (const entry of readdirSync(cache, { recursive: true, withFileTypes: true }))
    chmodSync(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
}

async function startGateway(app, cache) {
  const env = {
    LODESTREAM_PORT: '0',
    LODESTREAM_INTERNAL_PORT: '0',
    LODESTREAM_STANDBY: 'false',
    LODESTREAM_DATA_DIR: scratch('gateway'),
  };
  const child = start('gateway', app, cache, env);
  let log = '';
  let isAsked = false;
  child.stderr.on('data', (chunk) => {
    log += chunk;
    const url = /"url":"(http[^"]+)"/.exec(log)?.[1];
    if (!url || isAsked) return;
    isAsked = true;
    void askOnce(url).finally(() => child.kill('SIGTERM'));
  });
  await hasEnded('gateway', child, () => log);
}

/** What runs for the first time is compiled then: an answer, and a page. A refusal says itself in the exit code. */
async function askOnce(url) {
  for (const path of ['/readyz', '/', '/api/v1/openapi.json']) await fetch(url + path).catch(() => {});
}

/** A worker on standby loads everything and plays a start through (service-kit, standby.ts); an input that ends ends it. */
async function rehearseWorker(service, app, cache) {
  const child = start(service, app, cache, { LODESTREAM_STANDBY: '1', LODESTREAM_WORK_DIR: scratch(service) });
  let log = '';
  child.stderr.on('data', (chunk) => {
    log += chunk;
  });
  const ended = hasEnded(service, child, () => log);
  await isQuiet(child.pid);
  child.stdin.end();
  await ended;
}

function start(service, app, cache, settings) {
  const [program, ...args] = readEntrypoint(readFileSync(join(ROOT, 'docker', `${service}.Dockerfile`), 'utf8'));
  const env = { PATH: process.env.PATH, NODE_ENV: 'production', NODE_COMPILE_CACHE: cache, ...settings };
  return spawn(program, args, { cwd: app, env, uid: USER_ID, gid: USER_ID, stdio: ['pipe', 'ignore', 'pipe'] });
}

function scratch(service) {
  const dir = `/tmp/compile-${service}`;
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir);
  chownSync(dir, USER_ID, USER_ID);
  return dir;
}

function hasEnded(service, child, log) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      if (code === 0) resolve();
      else reject(new SetupError(`${service} did not start while its code was compiled:\n${log()}`));
    });
  });
}

/** Until the process has used no CPU for a while: what it loads and plays through is then behind it. */
async function isQuiet(pid) {
  const deadline = performance.now() + DEADLINE_MS;
  for (let last = -1, now = cpuTicks(pid); now !== last && performance.now() < deadline; now = cpuTicks(pid)) {
    last = now;
    await sleep(QUIET_MS);
  }
}

/** User and system time of a process and of its children (proc(5)); the init before it uses none. */
function cpuTicks(pid) {
  try {
    const group = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && (Number(name) === pid || parentOf(name) === pid));
    return group.reduce(
      (sum, name) =>
        sum +
        statOf(name)
          .slice(11, 13)
          .reduce((a, b) => a + Number(b), 0),
      0,
    );
  } catch {
    return 0;
  }
}

const statOf = (pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1).split(' ');
function parentOf(pid) {
  try {
    return Number(statOf(pid)[1]);
  } catch {
    return 0;
  }
}
