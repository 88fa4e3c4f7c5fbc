import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh directory that is gone with everything in it when it is disposed. */
export async function makeTempDir(name = 'test'): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), `lodestream-${name}-`));
  return {
    path,
    // A killed program may still be writing its last file: rm tries again for up to half a second.
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}
