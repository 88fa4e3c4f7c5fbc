import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { makeTempDir, pickFreePort, startProcess, waitFor } from '@lodestream/testing';
import { expect, test } from 'vitest';
import { readVersion } from '../../tools/images/build-image.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const version = readVersion();
const PUBLISH_TIMEOUT_MS = 900_000;
const START_TIMEOUT_MS = 30_000;
const ANSWER_MS = 5000;
const LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';
const MANIFEST = 'application/vnd.docker.distribution.manifest.v2+json';

test(
  'an operator’s own registry gets one name for both processors, with a health check, and the chart',
  async () => {
    await using registry = await startRegistry();
    // The smallest; what differs between the images is not how they travel.
    const args = ['tools/images.mjs', '--push', registry.name, '--no-refresh', '--image', 'redis'];
    const env = { ...process.env, SSL_CERT_FILE: registry.certificate };
    execFileSync(process.execPath, args, { cwd: ROOT, env, stdio: 'inherit', timeout: PUBLISH_TIMEOUT_MS });

    const { manifests } = await registry.ask(`lodestream/redis/manifests/${version}`, LIST);
    expect(manifests.map(({ platform }: { platform: object }) => platform)).toEqual([
      expect.objectContaining({ os: 'linux', architecture: 'amd64' }),
      expect.objectContaining({ os: 'linux', architecture: 'arm64' }),
    ]);
    for (const { digest } of manifests) {
      const manifest = await registry.ask(`lodestream/redis/manifests/${digest}`, MANIFEST);
      const { config } = await registry.ask(`lodestream/redis/blobs/${manifest.config.digest}`);
      expect(config.Healthcheck.Test).toEqual(['CMD', 'redis-cli', 'ping']);
    }
    expect((await registry.ask('charts/lodestream/tags/list')).tags).toEqual([version]);
  },
  PUBLISH_TIMEOUT_MS + START_TIMEOUT_MS,
);

type Registry = AsyncDisposable & {
  readonly name: string;
  readonly certificate: string;
  // biome-ignore lint/suspicious/noExplicitAny: documents of the registry's protocol
  ask(path: string, accept?: string): Promise<any>;
};

/** Debian's registry on loopback, by TLS, with a certificate that only the test trusts. */
async function startRegistry(): Promise<Registry> {
  const opened = new AsyncDisposableStack();
  try {
    const { path: dir } = opened.use(await makeTempDir('registry'));
    const port = await pickFreePort();
    const [certificate, key] = [join(dir, 'tls.crt'), join(dir, 'tls.key')];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=127.0.0.1'];
    execFileSync('openssl', [...request, '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', certificate], {
      stdio: 'ignore',
      timeout: START_TIMEOUT_MS,
    });
    const config = {
      version: '0.1',
      log: { level: 'warn' },
      storage: { filesystem: { rootdirectory: join(dir, 'content') } },
      http: { addr: `127.0.0.1:${port}`, tls: { certificate, key } },
    };
    await writeFile(join(dir, 'config.yml'), JSON.stringify(config));
    opened.use(startProcess('docker-registry', ['serve', join(dir, 'config.yml')]));
    const ca = readFileSync(certificate);
    const ask = (path: string, accept = '*/*') =>
      new Promise((resolve, reject) => {
        const options = { ca, headers: { accept }, signal: AbortSignal.timeout(ANSWER_MS) };
        get(`https://127.0.0.1:${port}/v2/${path}`, options, (response) => {
          if (response.statusCode === 200) json(response).then(resolve, reject);
          else reject(new Error(`${path} is ${response.statusCode}`));
        }).on('error', reject);
      });
    await waitFor(() => ask(''), { what: 'the registry answers', timeoutMs: START_TIMEOUT_MS });
    return { name: `127.0.0.1:${port}`, certificate, ask, [Symbol.asyncDispose]: () => opened.disposeAsync() };
  } catch (error) {
    await opened.disposeAsync();
    throw error;
  }
}
