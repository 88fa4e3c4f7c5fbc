import { fileURLToPath } from 'node:url';
import { runProcess } from '../processes/start-process.ts';

/** The namespace's own address: WebRTC gathers none on loopback. */
export const NAMESPACE_ADDRESS = '10.99.0.2';

/**
 * Loopback, and a veth pair with both ends in the namespace: what is sent to any other address leaves by the default route
 * into the other end, where nobody is. The neighbour is permanent, so that packets go out rather than wait for an answer.
 */
const SET_UP = `
set -e
ip link set lo up
ip link add v0 type veth peer name v1
ip link set v1 up
ip link set v0 up
ip addr add ${NAMESPACE_ADDRESS}/24 dev v0
ip route add default via 10.99.0.1 dev v0
ip neigh add 10.99.0.1 lladdr "$(ip -o link show v1 | sed 's/.*ether \\([^ ]*\\).*/\\1/')" dev v0 nud permanent
for address in $LOCAL_ADDRESSES; do ip addr add "$address" dev lo nodad 2>/dev/null || ip addr add "$address" dev lo; done
exec "$@"
`;

export type NamespaceOptions = {
  timeoutMs: number;
  /** More addresses of this machine there: `192.168.1.1/32`. */
  localAddresses?: readonly string[];
};

/**
 * Runs a program of ours (TypeScript, by this Node) in a network namespace of its own, and gives the JSON of the last line
 * that it wrote. `input` is its first argument, as JSON. No packet can leave the machine, whatever the program does.
 */
export async function runInNamespace<Output>(script: URL, input: unknown, options: NamespaceOptions): Promise<Output> {
  const { timeoutMs, localAddresses = [] } = options;
  const asRoot = process.getuid?.() === 0 ? [] : ['-r'];
  const command = ['sh', '-c', SET_UP, 'sh', process.execPath, fileURLToPath(script), JSON.stringify(input)];
  // `npm run test:patches` has what stands for a downloader run without a hunk of a patch, too.
  const nodeOptions = process.env.LODESTREAM_DOWNLOADER_NODE_OPTIONS;
  const stdout = await runProcess('unshare', [...asRoot, '-n', ...command], {
    timeoutMs,
    env: {
      ...process.env,
      ...(nodeOptions === undefined ? {} : { NODE_OPTIONS: nodeOptions }),
      LOCAL_ADDRESSES: localAddresses.join(' '),
    },
  });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Output;
}
