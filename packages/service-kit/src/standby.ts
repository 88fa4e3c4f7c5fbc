/**
 * A worker that is started before anybody knows what for: it loads its code and waits. Node and our modules take 0.3 to 0.6 s
 * of CPU, which a viewer would otherwise wait for at every step of a start.
 */
export const STANDBY_VARIABLE = 'LODESTREAM_STANDBY';

/**
 * On standby: begins to load the code, waits for the job, and takes over its environment, one JSON object on the standard
 * input. An input that ends without one means that no job will come, and the process ends. Otherwise nothing happens.
 */
export async function waitForJob(load: () => Promise<unknown> = async () => {}): Promise<void> {
  if (process.env[STANDBY_VARIABLE] === undefined) return;
  // Whoever needs a module that does not load says so when it imports it.
  load().catch(() => {});
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  if (chunks.length === 0) process.exit(0);
  Object.assign(process.env, JSON.parse(Buffer.concat(chunks).toString('utf8')));
}
