import { SetupError } from '../project.mjs';
import { ensureNodePrograms } from '../setup/programs.mjs';
import { ensureClusterPrograms } from './build.mjs';
import { KUBECONFIG } from './place.mjs';
import { bringUp } from './up.mjs';

/** A fresh cluster on this machine; gives its kubeconfig. Says what is missing where it cannot be. */
export async function ensureCluster() {
  if (process.platform !== 'linux' || process.getuid() !== 0) throw new SetupError('the test cluster needs Linux, and root');
  await ensureNodePrograms();
  await ensureClusterPrograms();
  await bringUp();
  return KUBECONFIG;
}
