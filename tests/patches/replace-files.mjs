import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/**
 * `node --import 'file:///…/replace-files.mjs?map=FILE'`: code of the files that the map names (JSON, real path → path) is
 * read from elsewhere, and all the rest as ever. So a package runs without one hunk of its patch, and nothing is installed.
 */
const replaced = JSON.parse(readFileSync(new URL(import.meta.url).searchParams.get('map'), 'utf8'));

registerHooks({
  load(url, context, nextLoad) {
    const path = url.startsWith('file:') ? replaced[fileURLToPath(url)] : undefined;
    const loaded = nextLoad(url, context);
    return path === undefined ? loaded : { ...loaded, source: readFileSync(path, 'utf8') };
  },
});
