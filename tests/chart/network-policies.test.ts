import { describe, expect, test } from 'vitest';
import { type Connection, isAllowed, type NetworkPolicy, type Party } from './support/network-policy.ts';
import { render } from './support/render.ts';

/** Who may talk to whom, as a table: every party with everybody's port. */
const component = (name: string, namespace: string, ports: Record<string, number>): Party => ({
  kind: 'pod',
  namespace,
  labels: {
    'app.kubernetes.io/name': 'lodestream',
    'app.kubernetes.io/instance': 'demo',
    'app.kubernetes.io/component': name,
  },
  ports,
});
const WORKER_PORTS = { http: 8090 };
const address = (text: string): Party => ({ kind: 'address', address: text });

function parties(workloads: string) {
  return {
    gateway: component('gateway', 'films', { http: 8080, internal: 8081 }),
    downloader: component('downloader', workloads, WORKER_PORTS),
    transcoder: component('transcoder', workloads, WORKER_PORTS),
    redis: component('redis', 'films', { redis: 6379 }),
    dns: { kind: 'pod', namespace: 'kube-system', labels: { 'k8s-app': 'kube-dns' } } as Party,
    'pod beside': { kind: 'pod', namespace: 'films', labels: { app: 'other' }, ports: { http: 8090 } } as Party,
    'other release': {
      kind: 'pod',
      namespace: 'films',
      labels: {
        'app.kubernetes.io/name': 'lodestream',
        'app.kubernetes.io/instance': 'other',
        'app.kubernetes.io/component': 'transcoder',
      },
    } as Party,
    prometheus: { kind: 'pod', namespace: 'monitoring', labels: { app: 'prometheus' } } as Party,
  };
}

const TARGETS: [string, number, ('TCP' | 'UDP')?][] = [
  ['gateway', 8080],
  ['gateway', 8081],
  ['downloader', 8090],
  ['downloader', 22],
  ['transcoder', 8090],
  ['redis', 6379],
  ['dns', 53, 'UDP'],
  ['pod beside', 8090],
];

/** Rows: who asks; what it reaches. */
function table(policies: NetworkPolicy[], workloads = 'films') {
  const all: Record<string, Party> = parties(workloads);
  return Object.fromEntries(
    Object.entries(all).map(([name, from]) => [
      name,
      TARGETS.filter(
        ([to, port, protocol]) =>
          to !== name && isAllowed(policies, { from, to: all[to]!, port, ...(protocol ? { protocol } : {}) } as Connection),
      )
        .map(([to, port]) => `${to}:${port}`)
        .join(' '),
    ]),
  );
}

const policiesOf = (...args: string[]) => render(...args).filter(({ kind }) => kind === 'NetworkPolicy') as NetworkPolicy[];

const EXPECTED = {
  gateway: 'downloader:8090 transcoder:8090 redis:6379 dns:53',
  downloader: 'gateway:8081 dns:53',
  transcoder: 'gateway:8081 downloader:8090',
  redis: '',
  dns: 'gateway:8080 pod beside:8090',
  'pod beside': 'gateway:8080 dns:53',
  'other release': 'gateway:8080 dns:53 pod beside:8090',
  prometheus: 'gateway:8080 dns:53 pod beside:8090',
};

describe('who may talk to whom', () => {
  test('with default values', () => {
    expect(table(policiesOf())).toEqual(EXPECTED);
  });

  test('the same with the workloads in a namespace of their own', () => {
    const policies = policiesOf('--set', 'workloads.namespace=pods');
    expect(table(policies, 'pods')).toEqual(EXPECTED);
  });

  test('Prometheus reads metrics where it is named', () => {
    const from = 'networkPolicy.gateway.metricsFrom[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=monitoring';
    expect(table(policiesOf('--set', from)).prometheus).toBe('gateway:8080 gateway:8081 dns:53 pod beside:8090');
  });

  test('viewers only from where they are let in', () => {
    const from = 'networkPolicy.gateway.from[0].podSelector.matchLabels.app=other';
    const rows = table(policiesOf('--set', from));
    expect(rows['pod beside']).toBe('gateway:8080 dns:53');
    expect(rows.prometheus).toBe('dns:53 pod beside:8090');
  });
});

describe('a downloader reaches the public internet and nothing else', () => {
  const { downloader } = parties('films');
  const reaches = (policies: NetworkPolicy[], text: string, port = 6881) =>
    isAllowed(policies, { from: downloader, to: address(text), port });

  test.each(['1.1.1.1', '93.184.216.34', '2606:4700::1111', '2a00:1450::1'])('%s is public', (text) => {
    expect(reaches(policiesOf(), text)).toBe(true);
  });

  const inside = [
    ...['0.0.0.1', '10.0.0.1', '10.96.0.1', '100.64.0.1', '127.0.0.1', '169.254.169.254', '172.16.0.1', '172.31.255.255'],
    ...['192.0.0.192', '192.168.1.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '::1', 'fc00::1', 'fd00:ec2::254'],
    ...['fe80::1', 'ff02::1', '64:ff9b::a9fe:a9fe', '2002:a9fe:a9fe::1', '::ffff:a9fe:a9fe'],
  ];
  test('nothing inside, by none of its names', () => {
    const policies = policiesOf();
    expect(inside.filter((text) => reaches(policies, text))).toEqual([]);
    expect(inside.filter((text) => reaches(policies, text, 443))).toEqual([]);
  });

  test('private networks that are allowed, and public ones that are the cluster’s', () => {
    const policies = policiesOf('--values', `${import.meta.dirname}/../../deploy/helm/lodestream/ci/gateway-api-values.yaml`);
    expect(['10.20.1.1', '10.21.0.1', '203.0.113.9', '2001:db8::1', '8.8.8.8'].map((text) => reaches(policies, text))).toEqual([
      true,
      false,
      false,
      false,
      true,
    ]);
  });
});

test('a transcoder and Redis reach no address at all', () => {
  const { transcoder, redis } = parties('films');
  const policies = policiesOf();
  for (const from of [transcoder, redis])
    for (const to of ['1.1.1.1', '10.96.0.1', '169.254.169.254', '2606:4700::1111'])
      expect(isAllowed(policies, { from, to: address(to), port: 443 })).toBe(false);
});

test('the gateway reaches the Kubernetes API, and with its address known that alone', () => {
  const { gateway } = parties('films');
  const reaches = (policies: NetworkPolicy[], text: string, port: number) =>
    isAllowed(policies, { from: gateway, to: address(text), port });
  const open = policiesOf();
  expect([reaches(open, '10.96.0.1', 443), reaches(open, '192.0.2.7', 6443), reaches(open, '192.0.2.7', 80)]).toEqual([
    true,
    true,
    false,
  ]);
  const known = policiesOf('--set', 'networkPolicy.gateway.apiServerCidrs={192.0.2.7/32}');
  expect([reaches(known, '192.0.2.7', 6443), reaches(known, '192.0.2.8', 6443)]).toEqual([true, false]);
});
