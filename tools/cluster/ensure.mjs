import { SetupError } from '../project.mjs';
import { ensureHelm } from '../setup/helm.mjs';
import { ensureImagePrograms, ensureNodePrograms } from '../setup/programs.mjs';
import { ensureClusterPrograms } from './build.mjs';
import { importImages } from './images.mjs';
import { KUBECONFIG } from './place.mjs';
import { bringUp } from './up.mjs';

/** A fresh cluster on this machine, with the images of this tree; gives its kubeconfig. Says what is missing where it cannot be. */
export async function ensureCluster() {
  if (process.platform !== 'linux' || process.getuid() !== 0) throw new SetupError('the test cluster needs Linux, and root');
  await ensureNodePrograms();
  await ensureImagePrograms();
  await ensureClusterPrograms();
  await ensureHelm();
  await bringUp();
  await importImages();
  return KUBECONFIG;
}
