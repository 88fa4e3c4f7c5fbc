import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { launchBrowser, makeTempDir, openWatchPage, startGateway, waitFor } from '@lodestream/testing';
import { expect, test } from 'vitest';
import { postMagnet, seedSmallFilm } from './support/small-film.ts';
import { listEncoders, waitForNothingLeft } from './support/what-is-there.ts';

/** Far more than a player keeps in its buffer. */
const FILM_SECONDS = 240;
const START_MS = 60_000;
const PLAY_MS = 60_000;
/** From the moment that the operator has written it. */
const GONE_MS = 10_000;
/** The page plays what it has, and asks for more before that is over. */
const TOLD_MS = 60_000;

test('a film that is put on the denylist while it plays is gone, and the page says why', async () => {
  await using film = await seedSmallFilm({ durationSeconds: FILM_SECONDS });
  await using dir = await makeTempDir('denylist');
  const list = join(dir.path, 'denylist.txt');
  await writeFile(list, '# nothing yet\n');
  await using gateway = await startGateway({
    settings: { LODESTREAM_DENYLIST_FILE: list, LODESTREAM_STANDBY: 'false', LODESTREAM_SEGMENT_SECONDS: '4' },
  });
  await using browser = await launchBrowser();
  const watch = await openWatchPage(browser, gateway.baseUrl, film.magnet);
  await watch.waitForTime(2, START_MS);
  await waitFor(() => listEncoders(gateway, 'video').length > 0, { what: 'it is encoded', timeoutMs: START_MS });

  const digest = createHash('sha256').update(film.torrent.infoHash).digest('hex');
  await writeFile(list, `${digest} # case 12\n`);
  await waitForNothingLeft(gateway, GONE_MS);
  expect(await postMagnet(gateway, film.magnet)).toBe(451);
  await watch.page.waitForSelector('[data-testid=failure][data-code=denied]', { timeout: TOLD_MS });
  // Nothing else of it is offered.
  expect(await watch.page.getByTestId('failure').locator('a, button').allTextContents()).toEqual(['Another magnet']);
  // Whoever comes back by its address, or with the magnet, is told the same.
  await watch.page.reload();
  await watch.page.waitForSelector('[data-testid=failure][data-code=denied]', { timeout: PLAY_MS });
  await watch.page.goto(gateway.baseUrl);
  await watch.page.getByTestId('magnet-input').fill(film.magnet);
  await watch.page.getByTestId('add').click();
  await watch.page.getByText('This torrent is blocked here').waitFor({ timeout: PLAY_MS });
  expect(watch.faults.failedResponses.filter((failure) => !failure.startsWith('451 '))).toEqual([]);

  const lines = gateway
    .tail()
    .split('\n')
    .filter((line) => line.includes('"audit":"denylist"'))
    .map((line) => JSON.parse(line));
  expect(lines[0]).toMatchObject({ action: 'purged', source: 'file', line: 1, kind: 'digest', note: 'case 12' });
  expect(lines.slice(1).map(({ action }) => action)).toContain('refused');
  expect(gateway.tail()).not.toContain(film.torrent.infoHash);
  const metrics = await (await fetch(`${gateway.internalUrl}/metrics`)).text();
  expect(metrics).toContain('lodestream_denylist_good{source="file"} 1');
  expect(metrics).toMatch(/lodestream_denied_total\{action="purged"\} 1\b/);
});
