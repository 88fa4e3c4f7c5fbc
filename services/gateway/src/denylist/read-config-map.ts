import { CoreV1Api, KubeConfig, type ObservableMiddleware, setHeaderMiddleware } from '@kubernetes/client-node';
import type { ReadConfigMap } from './config-map-list.ts';

/** Reads `name` in the gateway's own namespace, or `namespace/name`, as the service account or the kubeconfig allows. */
export function openConfigMap(reference: string): ReadConfigMap {
  const config = new KubeConfig();
  config.loadFromDefault();
  const own = config.getContextObject(config.getCurrentContext())?.namespace ?? 'default';
  const [name = '', namespace = own] = reference.split('/').reverse();
  const api = config.makeApiClient(CoreV1Api);
  return async (signal) => {
    const { metadata, data } = await api.readNamespacedConfigMap({ name, namespace }, { middleware: [abortBy(signal)] });
    return { version: `${metadata?.uid}/${metadata?.resourceVersion}`, data: data ?? {} };
  };
}

/** The client has no deadline of its own, and takes a signal in no other way. */
function abortBy(signal: AbortSignal): ObservableMiddleware {
  const passing = setHeaderMiddleware('user-agent', 'lodestream');
  return {
    pre(context) {
      context.setSignal(signal);
      return passing.pre(context);
    },
    post: (context) => passing.post(context),
  };
}
