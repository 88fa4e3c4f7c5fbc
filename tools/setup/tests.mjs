import { ensureDependencies } from './dependencies.mjs';
import { ensureNode } from './node-toolchain.mjs';
import { ensureTestPrograms } from './programs.mjs';
import { ensureWebApp } from './web-app.mjs';

/** What the tests and the bench stand on; gives the Node to run them with. */
export async function setUpTests() {
  const nodePath = await ensureNode();
  await ensureDependencies(nodePath);
  await ensureTestPrograms();
  await ensureWebApp(nodePath);
  return nodePath;
}
