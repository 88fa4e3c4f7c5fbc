import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pickFreePort } from '../processes/loopback.ts';
import { startProcess } from '../processes/start-process.ts';
import { makeTempDir } from '../processes/temp-dir.ts';
import { waitFor } from '../processes/wait-for.ts';

const START_TIMEOUT_MS = 10_000;

/** The web server that the world compares with. */
export type Nginx = AsyncDisposable & { readonly baseUrl: string; readonly address: string; readonly port: number };

/** nginx on loopback with the files of a directory; its own files lie elsewhere. */
export async function startNginx({ dir, address = '127.0.0.1' }: { dir: string; address?: string }): Promise<Nginx> {
  const home = await makeTempDir('nginx');
  const port = await pickFreePort(address);
  const config = join(home.path, 'nginx.conf');
  // Started by root its workers would be somebody else, who may not read our directory.
  const user = process.getuid?.() === 0 ? 'user root;' : '';
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${home.path}/t;`);
  await writeFile(
    config,
    `daemon off; ${user} worker_processes auto; pid ${home.path}/pid; error_log stderr;
     events { worker_connections 1024; }
     http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000; root ${dir}; ${temporary.join(' ')}
       server { listen ${address}:${port}; } }`,
  );
  const nginx = startProcess('/usr/sbin/nginx', ['-c', config, '-p', home.path]);
  const stop = async () => {
    await nginx.stop();
    await home[Symbol.asyncDispose]();
  };
  const baseUrl = `http://${address}:${port}`;
  try {
    // Whatever it answers, it answers.
    await waitFor(async () => (await fetch(baseUrl, { method: 'HEAD' })).status > 0, {
      what: 'nginx answers',
      timeoutMs: START_TIMEOUT_MS,
    });
  } catch (error) {
    await stop();
    throw new Error(`nginx did not start:\n${nginx.tail()}`, { cause: error });
  }
  return { baseUrl, address, port, [Symbol.asyncDispose]: stop };
}
