import { writeFile } from 'node:fs/promises';
import { buildReadme, README } from './chart/readme.mjs';
import { runTool } from './project.mjs';

/** `npm run chart:docs`: writes the chart's README from its values. A test fails where they differ. */
await runTool(async () => {
  await writeFile(README, buildReadme());
});
