import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { ensureHelm } from '../../../tools/setup/helm.mjs';

export const CHART = fileURLToPath(new URL('../../../deploy/helm/lodestream', import.meta.url));
/** Built at the first use on a machine. */
const HELM = await ensureHelm();
/** A rendering takes a quarter of a second. */
const TIMEOUT_MS = 30_000;

// biome-ignore lint/suspicious/noExplicitAny: manifests are whatever the chart makes of them
export type Manifest = any;

export const SCENARIOS = readdirSync(join(CHART, 'ci')).map((file) => ({
  name: basename(file, '-values.yaml'),
  file: join(CHART, 'ci', file),
}));

/** `helm template` in namespace `films`, as release `demo`; `args` as on its command line. */
export function render(...args: string[]): Manifest[] {
  const text = execFileSync(HELM, ['template', 'demo', CHART, '--namespace', 'films', ...args], {
    encoding: 'utf8',
    timeout: TIMEOUT_MS,
  });
  return parseAllDocuments(text)
    .map((document) => document.toJS())
    .filter((manifest) => manifest !== null)
    .map((manifest) => ({ ...manifest, metadata: { namespace: 'films', ...manifest.metadata } }));
}

/** What helm says against these arguments; null when it has nothing against them. */
export function refusal(command: 'template' | 'lint', ...args: string[]): string | null {
  const named = command === 'template' ? ['demo', CHART] : [CHART];
  const result = spawnSync(HELM, [command, ...named, ...args], { encoding: 'utf8', timeout: TIMEOUT_MS });
  return result.status === 0 ? null : `${result.stdout}${result.stderr}`;
}

/** The one object of a kind whose name ends so. */
export function find(manifests: Manifest[], kind: string, ending = ''): Manifest {
  const found = manifests.filter((one) => one.kind === kind && one.metadata.name.endsWith(ending));
  if (found.length !== 1) throw new Error(`${found.length} of ${kind} …${ending}`);
  return found[0];
}

/** Pod specs of everything that makes pods. */
export function podsOf(manifests: Manifest[]): { name: string; spec: Manifest }[] {
  return manifests.flatMap(({ kind, metadata, spec }) =>
    kind === 'Pod'
      ? [{ name: metadata.name, spec }]
      : ['Deployment', 'DaemonSet', 'StatefulSet', 'Job'].includes(kind)
        ? [{ name: metadata.name, spec: spec.template.spec }]
        : [],
  );
}
