import type { ListSource } from './list-source.ts';

/** A mounted ConfigMap reaches a pod after a minute or more; the API gives it at once, to whoever may `get` this one name. */
const EVERY_MS = 5000;
/** With the interval, still within the 10 s that a torrent has to be gone in when one read was lost. */
const WITHIN_MS = 4000;
/** As `kubectl create configmap NAME --from-file=denylist.txt` names it. */
const KEY = 'denylist.txt';

/** A ConfigMap by name; `version` is another after every change. */
export type ReadConfigMap = (signal: AbortSignal) => Promise<{ version: string; data: Readonly<Record<string, string>> }>;

/** A list in a ConfigMap of the cluster. */
export function createConfigMapList(readConfigMap: ReadConfigMap): ListSource {
  return {
    name: 'config-map',
    everyMs: EVERY_MS,
    withinMs: WITHIN_MS,
    async read(tag, signal) {
      const { version, data } = await readConfigMap(signal);
      if (version === tag) return undefined;
      const text = data[KEY];
      if (text === undefined) throw new Error(`it has no ${KEY}`);
      return { text, tag: version };
    },
  };
}
