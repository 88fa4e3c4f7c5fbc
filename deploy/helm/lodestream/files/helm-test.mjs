// SHA-1 of "lodestream helm test": nobody has such a torrent, and a downloader for it starts all the same.
const INFO_HASH = '415160b29f1609c91bfb46983e8fb02a9d986f2a';
const DEADLINE_MS = 90_000;
const base = process.env.GATEWAY_URL;
const deadline = AbortSignal.timeout(DEADLINE_MS);

async function ask(path, options = {}) {
  const response = await fetch(base + path, { ...options, signal: deadline });
  if (!response.ok) throw new Error(`${options.method ?? 'GET'} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

await ask('/livez');
await ask('/readyz');
const headers = { 'content-type': 'application/json' };
await ask('/api/v1/torrents', { method: 'POST', headers, body: JSON.stringify({ infoHash: INFO_HASH }) });
for (;;) {
  const { status, problem } = await ask(`/api/v1/torrents/${INFO_HASH}`);
  if (status === 'failed') throw new Error(`the downloader failed: ${JSON.stringify(problem)}`);
  if (status !== 'queued') break;
  await new Promise((resolve) => setTimeout(resolve, 500));
}
console.log('the gateway answers, and a downloader has called home');
