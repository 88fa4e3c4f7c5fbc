import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The tools run on any Node from 20 on, with nothing installed: plain JavaScript and Node's own modules only. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** What no start needs twice, and what a `git clean` may take. */
export const CACHE_DIR = join(ROOT, '.cache');
export const TOOLS_DIR = join(ROOT, '.tools');
/** What is built once per machine, for all checkouts, each in a folder of its version. */
export const MACHINE_CACHE_DIR = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'lodestream');

export function say(text) {
  process.stderr.write(`lodestream: ${text}\n`);
}

/** An error that needs no stack: its text tells the user what to do. */
export class SetupError extends Error {}

/** Runs a tool's main function; a `SetupError` becomes its text and exit code 1. */
export async function runTool(main) {
  try {
    process.exitCode = (await main(process.argv.slice(2))) ?? 0;
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
