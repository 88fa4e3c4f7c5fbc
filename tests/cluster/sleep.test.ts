import { waitFor } from '@lodestream/testing';
import { expect, test } from 'vitest';
import { command, type Release } from './support/release.ts';
import { installOpenRelease, watchFilm } from './support/watched-film.ts';

const FILM_SECONDS = 600;
const SLEEP_TIMEOUT_MS = 120_000;
/** What the chart's values give a run of pictures, and what they leave it while it sleeps. */
const VIDEO_CPU = 250;
const SLEEPING_CPU = 10;

test('an encoder that is far enough ahead is stopped, and gives its share of the node to others until it goes on', async () => {
  const { release, baseUrl } = await installOpenRelease();
  await using _release = release;
  await using film = await watchFilm(baseUrl, FILM_SECONDS);
  const before = await allocatedCpu();
  const runs = (await release.pods()).filter((name) => name.startsWith('tc-'));
  await film.watch.page.evaluate(() => document.querySelector('video')?.pause());
  const states = () => Promise.all(runs.map((run) => encoderState(release, run)));
  await waitFor(async () => (await states()).every((state) => state === 'T'), {
    what: 'the encoders are stopped',
    timeoutMs: SLEEP_TIMEOUT_MS,
  });
  const asleep = await waitFor(
    async () => {
      const now = await allocatedCpu();
      return now <= before - (VIDEO_CPU - SLEEPING_CPU) && now;
    },
    { what: `less than ${before}m of the node is allocated`, timeoutMs: SLEEP_TIMEOUT_MS },
  );
  // To where it has not been yet, a little at a time: the same run goes on.
  await film.watch.page.evaluate(() => document.querySelector('video')?.play());
  await film.watch.setPlaybackRate(4);
  const awake = await waitFor(
    async () => {
      const now = await allocatedCpu();
      return now >= asleep + (VIDEO_CPU - SLEEPING_CPU) && now;
    },
    { what: `more than ${asleep}m of the node is allocated`, timeoutMs: SLEEP_TIMEOUT_MS },
  );
  console.info(`of the node ${before}m were allocated before, ${asleep}m asleep, ${awake}m awake again`);
  const restarts = await release.kubectl('get', 'pods', '--output=jsonpath={.items[*].status.containerStatuses[*].restartCount}');
  expect(new Set(restarts.split(' '))).toEqual(new Set(['0']));
});

/** Of the first node, in thousandths of a core, as an administrator reads it. */
async function allocatedCpu(): Promise<number> {
  const text = await command('kubectl', 'describe', 'nodes');
  const [, amount, unit] = /Allocated resources:[\s\S]*?\n\s+cpu\s+(\d+)(m?)\s/.exec(text) ?? [];
  return Number(amount) * (unit === 'm' ? 1 : 1000);
}

/** `T` is stopped (proc(5)); the image has no shell, and Node. */
async function encoderState({ kubectl }: Release, pod: string): Promise<string> {
  const look = `fs.readdirSync('/proc').flatMap((pid) => {
    try { return /\\(ffmpeg\\) (\\S)/.exec(fs.readFileSync('/proc/' + pid + '/stat', 'utf8'))?.[1] ?? []; } catch { return []; }
  }).join()`;
  return (await kubectl('exec', pod, '--', 'node', '-p', look)).trim();
}
