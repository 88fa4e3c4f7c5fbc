import { takeDown } from './cluster/down.mjs';
import { ensureCluster } from './cluster/ensure.mjs';
import { runTool, SetupError, say } from './project.mjs';

/** `npm run cluster -- up|down`: a real cluster of one node on this machine, for tests. */
await runTool(async ([verb]) => {
  if (verb === 'down') return await takeDown();
  if (verb !== 'up') throw new SetupError('say `npm run cluster -- up` or `npm run cluster -- down`');
  say(`export KUBECONFIG=${await ensureCluster()}`);
});
