/**
 * Who may talk to whom, by NetworkPolicies alone (networking.k8s.io/v1): a connection is allowed when the policies of its source let
 * it out and those of its target let it in, and a pod that no policy selects is open. Pure.
 */
import { BlockList, isIPv6 } from 'node:net';

type Labels = Record<string, string>;
type Selector = { matchLabels?: Labels };
type PolicyPort = { protocol?: string; port?: number | string };
type PolicyPeer = {
  podSelector?: Selector;
  namespaceSelector?: Selector;
  ipBlock?: { cidr: string; except?: string[] };
};
export type NetworkPolicy = {
  metadata: { name: string; namespace?: string };
  spec: {
    podSelector: Selector;
    policyTypes: string[];
    ingress?: { from?: PolicyPeer[]; ports?: PolicyPort[] }[];
    egress?: { to?: PolicyPeer[]; ports?: PolicyPort[] }[];
  };
};

/** A pod with its named ports, or an address outside of all pods. */
export type Party =
  | { kind: 'pod'; namespace: string; namespaceLabels?: Labels; labels: Labels; ports?: Record<string, number> }
  | { kind: 'address'; address: string };

export type Connection = { from: Party; to: Party; port: number; protocol?: 'TCP' | 'UDP' };

export function isAllowed(policies: readonly NetworkPolicy[], connection: Connection): boolean {
  return letsOut(policies, connection) && letsIn(policies, connection);
}

function letsOut(policies: readonly NetworkPolicy[], connection: Connection): boolean {
  const own = policiesOf(policies, connection.from, 'Egress');
  if (own.length === 0) return true;
  return own.some((policy) =>
    (policy.spec.egress ?? []).some(
      (rule) => matchesPeers(rule.to, connection.to, policy) && matchesPorts(rule.ports, connection),
    ),
  );
}

function letsIn(policies: readonly NetworkPolicy[], connection: Connection): boolean {
  const own = policiesOf(policies, connection.to, 'Ingress');
  if (own.length === 0) return true;
  return own.some((policy) =>
    (policy.spec.ingress ?? []).some(
      (rule) => matchesPeers(rule.from, connection.from, policy) && matchesPorts(rule.ports, connection),
    ),
  );
}

function policiesOf(policies: readonly NetworkPolicy[], party: Party, type: string): NetworkPolicy[] {
  if (party.kind === 'address') return [];
  return policies.filter(
    ({ metadata, spec }) =>
      metadata.namespace === party.namespace && spec.policyTypes.includes(type) && selects(spec.podSelector, party.labels),
  );
}

/** No list of peers, or an empty one, means everybody. */
function matchesPeers(peers: PolicyPeer[] | undefined, party: Party, policy: NetworkPolicy): boolean {
  if (peers === undefined || peers.length === 0) return true;
  return peers.some((peer) => matchesPeer(peer, party, policy));
}

function matchesPeer({ ipBlock, podSelector, namespaceSelector }: PolicyPeer, party: Party, policy: NetworkPolicy): boolean {
  if (ipBlock) return party.kind === 'address' && isInBlock(party.address, ipBlock);
  if (party.kind === 'address') return false;
  const namespaceLabels = { 'kubernetes.io/metadata.name': party.namespace, ...party.namespaceLabels };
  const isNamespaceRight = namespaceSelector
    ? selects(namespaceSelector, namespaceLabels)
    : party.namespace === policy.metadata.namespace;
  return isNamespaceRight && selects(podSelector ?? {}, party.labels);
}

/** A named port is the target's, whoever's policy names it. */
function matchesPorts(ports: PolicyPort[] | undefined, { to, port, protocol = 'TCP' }: Connection): boolean {
  if (ports === undefined || ports.length === 0) return true;
  return ports.some((allowed) => {
    if ((allowed.protocol ?? 'TCP') !== protocol) return false;
    if (allowed.port === undefined) return true;
    if (typeof allowed.port === 'number') return allowed.port === port;
    return to.kind === 'pod' && to.ports?.[allowed.port] === port;
  });
}

function selects({ matchLabels = {} }: Selector, labels: Labels): boolean {
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
}

function isInBlock(address: string, { cidr, except = [] }: { cidr: string; except?: string[] }): boolean {
  return isInCidr(address, cidr) && !except.some((hole) => isInCidr(address, hole));
}

function isInCidr(address: string, cidr: string): boolean {
  const [network = '', prefix = ''] = cidr.split('/');
  if (isIPv6(network) !== isIPv6(address)) return false;
  const family = isIPv6(network) ? 'ipv6' : 'ipv4';
  const list = new BlockList();
  list.addSubnet(network, Number(prefix), family);
  return list.check(address, family);
}
