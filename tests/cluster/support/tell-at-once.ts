import { beforeEach } from 'vitest';

/** What failed is told where it failed: the summary comes half an hour later, or never. */
beforeEach(({ onTestFailed }) => {
  onTestFailed(({ task }) => {
    for (const { message } of task.result?.errors ?? []) console.error(message);
  });
});
