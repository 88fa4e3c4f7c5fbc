import { runTool } from '../project.mjs';
import { buildAppTree } from './app-tree.mjs';
import { ROLES } from './roles.mjs';

/** `node lay-out-app.mjs ROLE ARCH DIR`: a program of its own, because the bundler needs the pinned Node and the dependencies. */
await runTool(async ([role, arch, out]) => {
  await buildAppTree(ROLES[role], arch, out);
});
