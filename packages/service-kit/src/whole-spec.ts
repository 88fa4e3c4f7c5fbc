import { existsSync, renameSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';

/** Set where the spec had to leave out what is large: a .torrent document, remembered metadata. */
export const PARTIAL_SPEC_VARIABLE = 'LODESTREAM_SPEC_IS_PARTIAL';

const TRIES = 3;
const TIMEOUT_MS = 3000;
/** A .torrent document and metadata as base64 in JSON; the gateway's own limits are far below. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Asks the gateway for the whole of a spec that came in part, and keeps it in the work folder: a worker that is started again
 * in its place reads it there. Where no gateway has it any more the part is enough, and slower: metadata then comes from peers.
 */
export async function fetchWholeSpec(): Promise<void> {
  const { env } = process;
  if (env[PARTIAL_SPEC_VARIABLE] === undefined || env.LODESTREAM_SPEC === undefined) return;
  const file = join(env.LODESTREAM_WORK_DIR ?? '', 'spec.json');
  if (!existsSync(file)) {
    const { name } = JSON.parse(env.LODESTREAM_SPEC) as { name: string };
    const urls = (env.LODESTREAM_CALL_HOME_URL ?? '').split(',').map((base) => new URL(`/specs/${name}`, base));
    const text = await ask(urls, env.LODESTREAM_TOKEN ?? '');
    if (text === undefined) return;
    writeFileSync(`${file}.new`, text, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  delete env.LODESTREAM_SPEC;
  env.LODESTREAM_SPEC_FILE = file;
}

async function ask(urls: URL[], token: string): Promise<string | undefined> {
  for (let attempt = 0; attempt < TRIES; attempt++)
    for (const url of urls) {
      const text = await get(url, token).catch(() => undefined);
      if (text !== undefined) return text;
    }
  return undefined;
}

/** Not `fetch`: its code is loaded at the first call, and a viewer waits. */
function get(url: URL, token: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}` };
    const request = http.get(url, { headers, signal: AbortSignal.timeout(TIMEOUT_MS) }, async (response) => {
      if (response.statusCode !== 200) {
        response.resume();
        return resolve(undefined);
      }
      const chunks: Buffer[] = [];
      let size = 0;
      try {
        for await (const chunk of response) {
          size += chunk.length;
          if (size > MAX_BYTES) throw new Error('the spec is too large');
          chunks.push(chunk);
        }
        resolve(Buffer.concat(chunks).toString('utf8'));
      } catch (error) {
        reject(error);
      }
    });
    request.once('error', reject);
  });
}
