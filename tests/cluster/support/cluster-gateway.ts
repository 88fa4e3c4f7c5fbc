import { randomBytes } from 'node:crypto';
import { pickFreePort, startGateway, type TestGateway } from '@lodestream/testing';
import { type ClusterPlace, HOST_ADDRESS, podSettings } from '../../../services/gateway/test/cluster-place.ts';

/** The real gateway as a process of this machine, whose workloads are pods of the place's namespace. */
export async function startClusterGateway(
  place: ClusterPlace,
  settings: Record<string, string> = {},
  deploymentKey = randomBytes(32).toString('hex'),
): Promise<TestGateway> {
  const port = await pickFreePort(HOST_ADDRESS);
  const { instance, downloader, transcoder } = podSettings();
  return await startGateway({
    settings: {
      LODESTREAM_ORCHESTRATOR: 'kubernetes',
      LODESTREAM_KUBERNETES_NAMESPACE: place.namespace,
      LODESTREAM_KUBERNETES_INSTANCE: instance,
      LODESTREAM_KUBERNETES_DOWNLOADER: JSON.stringify(downloader),
      LODESTREAM_KUBERNETES_TRANSCODER: JSON.stringify(transcoder),
      LODESTREAM_DEPLOYMENT_KEY: deploymentKey,
      LODESTREAM_INTERNAL_HOST: HOST_ADDRESS,
      LODESTREAM_INTERNAL_PORT: String(port),
      LODESTREAM_CALL_HOME_URL: `http://${HOST_ADDRESS}:${port}`,
      LODESTREAM_ALLOWED_PRIVATE_NETWORKS: `${HOST_ADDRESS}/32`,
      ...settings,
    },
  });
}
