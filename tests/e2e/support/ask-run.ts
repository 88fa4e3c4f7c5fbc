import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestGateway } from '@lodestream/testing';

const TIMEOUT_MS = 20_000;

/** Asks a run itself, past the gateway, as the gateway does: at its port, with the token of its name. */
export async function askRun(gateway: TestGateway, name: string, path: string): Promise<Buffer> {
  const record = await readFile(join(gateway.dataDir, 'workloads', name, 'record.json'), 'utf8');
  const { port } = JSON.parse(record) as { port: number };
  const key = Buffer.from((await readFile(join(gateway.dataDir, 'key'), 'utf8')).trim(), 'hex');
  const token = createHmac('sha256', key).update(name).digest('hex');
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`${name} answers ${response.status} to ${path}: ${await response.text()}`);
  return Buffer.from(await response.arrayBuffer());
}
