import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { findPodFaults } from './support/pod-security.ts';
import { CHART, find, type Manifest, podsOf, refusal, render, SCENARIOS } from './support/render.ts';

const ALL = [{ name: 'default', file: join(CHART, 'values.yaml') }, ...SCENARIOS];
/** Of the gateway; `tests/architecture.test.ts` holds them and the operators' page together. */
const SETTINGS = new Set(
  readFileSync(new URL('../../services/gateway/src/config.ts', import.meta.url), 'utf8').match(/LODESTREAM_\w+/g),
);
const CLUSTER_KINDS = ['Namespace', 'PriorityClass'];

describe.each(ALL)('with the values of $name', ({ file }) => {
  test('helm has nothing against it', () => {
    expect(refusal('lint', '--strict', '--values', file)).toBeNull();
  });

  test('every pod passes `restricted`, and says whether it has a token', () => {
    for (const { name, spec } of podsOf(render('--values', file))) {
      expect(findPodFaults(spec), name).toEqual([]);
      expect(spec.automountServiceAccountToken, name).toBe(name === 'demo-lodestream');
      expect(spec.enableServiceLinks, name).toBe(false);
    }
  });

  test('every object is ours by its labels, once, and nothing belongs to the cluster that need not', () => {
    const manifests = render('--values', file);
    const ids = manifests.map(({ kind, metadata }) => `${kind} ${metadata.namespace}/${metadata.name}`);
    expect(new Set(ids).size).toBe(ids.length);
    for (const { kind, metadata } of manifests) {
      if (metadata.name.endsWith('-mine')) continue;
      expect(metadata.labels?.['app.kubernetes.io/part-of'], `${kind} ${metadata.name}`).toBe('lodestream');
      expect(metadata.labels?.['app.kubernetes.io/instance'], `${kind} ${metadata.name}`).toBe('demo');
    }
    expect(manifests.filter(({ kind }) => kind.startsWith('Cluster'))).toEqual([]);
    const ofCluster = manifests.filter(({ kind }) => CLUSTER_KINDS.includes(kind));
    if (!['ha', 'restricted-psa'].some((name) => file.includes(name))) expect(ofCluster).toEqual([]);
  });

  test('Services, policies and budgets find the pods that are meant', () => {
    const manifests = render('--values', file);
    const pods = manifests.flatMap(({ kind, spec }) => (kind === 'Deployment' ? [spec.template.metadata.labels] : []));
    const finds = (labels: Record<string, string>) =>
      pods.some((pod: Record<string, string>) => Object.entries(labels).every(([key, value]) => pod[key] === value));
    for (const { kind, metadata, spec } of manifests) {
      if (kind === 'Service') expect(finds(spec.selector), metadata.name).toBe(true);
      if (kind === 'PodDisruptionBudget') expect(finds(spec.selector.matchLabels), metadata.name).toBe(true);
      if (kind === 'Deployment') expect(finds(spec.selector.matchLabels), metadata.name).toBe(true);
    }
  });

  test('what the gateway is told of its pods is JSON, with an image', () => {
    const { data } = find(render('--values', file), 'ConfigMap', 'demo-lodestream');
    for (const kind of ['DOWNLOADER', 'TRANSCODER'])
      expect(JSON.parse(data[`LODESTREAM_KUBERNETES_${kind}`]).image).toMatch(/lodestream\/(downloader|transcoder)[:@]/);
    expect(Object.values(data).every((value) => typeof value === 'string')).toBe(true);
  });

  test('every setting that the gateway is given is one that it has', () => {
    const { data } = find(render('--values', file), 'ConfigMap', 'demo-lodestream');
    const { env } = podsOf(render('--values', file)).find(({ name }) => name === 'demo-lodestream')?.spec.containers[0] ?? {};
    const given = [...Object.keys(data), ...env.map((one: { name: string }) => one.name)].filter((name) =>
      /^LODESTREAM_/.test(name),
    );
    expect(given.length).toBeGreaterThan(20);
    expect(given.filter((name) => !SETTINGS.has(name))).toEqual([]);
  });
});

describe('the schema refuses', () => {
  const MISSPELT = [
    ...['gloabl.x=1', 'global.registry=x', 'fullName=x', 'torrents.maxx=1', 'transcode.runSegment=1', 'secret.existing=x'],
    ...['gateway.replica=1', 'gateway.image.name=x', 'gateway.autoscaling.enable=true', 'gateway.podDisruptionBudget.on=true'],
    ...[
      'workloads.ns=x',
      'workloads.downloader.scrach=1Gi',
      'workloads.transcoder.videoCPU=1',
      'workloads.resourceQuota.limits=1',
    ],
    ...[
      'redis.enable=false',
      'denylist.line=x',
      'externalRedis.hostname=x',
      'service.ports=80',
      'ingress.host=x',
      'gatewayApi.host=x',
    ],
    ...[
      'networkPolicy.enable=false',
      'networkPolicy.gateway.form=x',
      'networkPolicy.downloader.blocked=x',
      'serviceAccount.names=x',
    ],
    ...['rbac.enabled=true', 'priorityClasses.worker=1', 'prePull.enable=true', 'metrics.monitor=true', 'helmTest.enable=true'],
    ...['metrics.serviceMonitor.on=true', 'metrics.prometheusRule.on=true', 'metrics.dashboard.on=true'],
  ];
  test.each(MISSPELT)('the misspelt %s', (setting) => {
    expect(refusal('lint', '--set', setting)).toMatch(/not allowed/);
  });

  test('every section has a misspelt case', () => {
    const sections = Object.entries(parse(readFileSync(join(CHART, 'values.yaml'), 'utf8')))
      .filter(([, value]) => value !== null && typeof value === 'object' && !Array.isArray(value))
      .map(([key]) => key)
      .filter((key) => key !== 'commonLabels');
    expect(
      sections.filter((section) => !MISSPELT.some((one) => one.startsWith(`${section}.`) || one.startsWith('gloabl'))),
    ).toEqual([]);
  });

  test.each([
    'gateway.replicas=0',
    'logLevel=loud',
    'workloads.downloader.scratch=8 GB',
    'workloads.transcoder.videoCpu=fast',
    'service.type=External',
    'gateway.image.digest=sha256:12',
    'transcode.runSegments=0',
    'torrents.allowedPrivateNetworks={10.0.0.0}',
    'publicUrls={films.example.org}',
    'gateway.resources.limits.memory=much',
  ])('%s', (setting) => {
    expect(refusal('lint', '--set', setting)).toMatch(/values don't meet|at '\//);
  });
});

describe('images', () => {
  const imageOf = (...args: string[]) =>
    find(render(...args), 'Deployment', 'demo-lodestream').spec.template.spec.containers[0].image;
  const DIGEST = `sha256:${'a'.repeat(64)}`;

  test('a digest wins over a tag, a tag over the chart’s version, and a registry stands before all', () => {
    const version = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8')).appVersion;
    expect(imageOf()).toBe(`lodestream/gateway:${version}`);
    expect(imageOf('--set', 'gateway.image.tag=x')).toBe('lodestream/gateway:x');
    expect(imageOf('--set', `gateway.image.tag=x,gateway.image.digest=${DIGEST},global.imageRegistry=r.example/m`)).toBe(
      `r.example/m/lodestream/gateway@${DIGEST}`,
    );
  });

  test('the chart’s version is that of the project', () => {
    const { version } = JSON.parse(readFileSync(join(CHART, '../../../package.json'), 'utf8'));
    const chart = parse(readFileSync(join(CHART, 'Chart.yaml'), 'utf8'));
    expect([chart.version, chart.appVersion]).toEqual([version, version]);
  });
});

describe('the gateway', () => {
  const gateway = (...args: string[]): Manifest => find(render(...args), 'Deployment', 'demo-lodestream');

  test('may do with pods what the design allows, with with the ConfigMap that owns them, and nothing else', () => {
    const { rules } = find(render(), 'Role');
    expect(rules.map((rule: Manifest) => [rule.resources, rule.resourceNames ?? [], rule.verbs])).toEqual([
      [['pods'], [], ['get', 'list', 'watch', 'create', 'delete']],
      [['pods/resize'], [], ['patch']],
      [['configmaps'], ['demo-lodestream-owner'], ['get']],
    ]);
    expect(
      render()
        .filter(({ kind }) => kind === 'RoleBinding')
        .flatMap(({ subjects }) => subjects),
    ).toEqual([{ kind: 'ServiceAccount', name: 'demo-lodestream', namespace: 'films' }]);
  });

  test('has its rights, and the owner of its pods, where its pods are', () => {
    const manifests = render('--set', 'workloads.namespace=pods');
    const names = manifests.filter(({ metadata }) => metadata.namespace === 'pods').map(({ kind }) => kind);
    expect(names.sort()).toEqual(['ConfigMap', 'NetworkPolicy', 'NetworkPolicy', 'Role', 'RoleBinding', 'ServiceAccount']);
  });

  test('starts anew when a setting changes, and not otherwise', () => {
    const sum = (...args: string[]) => gateway(...args).spec.template.metadata.annotations['checksum/config'];
    expect(sum()).toBe(sum());
    expect(sum('--set', 'gateway.replicas=3')).toBe(sum());
    expect(sum('--set', 'torrents.max=5')).not.toBe(sum());
  });

  test('is told of one pod per fragment, and by default of no bound', () => {
    const settings = (...args: string[]) => find(render(...args), 'ConfigMap', 'demo-lodestream').data;
    expect(settings().LODESTREAM_RUN_SEGMENTS).toBeUndefined();
    expect(settings('--set', 'transcode.runSegments=1').LODESTREAM_RUN_SEGMENTS).toBe('1');
    expect(settings('--set', 'torrents.uploadBytesPerSecond=20000000').LODESTREAM_UPLOAD_BYTES_PER_SECOND).toBe('20000000');
    expect(settings().LODESTREAM_TRACKERS).toBeUndefined();
    expect(settings('--set-json', 'torrents.trackers=[]').LODESTREAM_TRACKERS).toBe('');
  });

  test('answers to the names of its routes', () => {
    const { data } = find(
      render('--set', 'ingress.enabled=true,ingress.hosts={films.example.org}'),
      'ConfigMap',
      'demo-lodestream',
    );
    expect(data.LODESTREAM_PUBLIC_URL.split(',')).toContain('https://films.example.org');
  });

  test('waits before it ends, by what the cluster’s version can', () => {
    const preStop = (version: string) => gateway('--kube-version', version).spec.template.spec.containers[0].lifecycle.preStop;
    expect(preStop('1.34.0')).toEqual({ sleep: { seconds: 5 } });
    expect(preStop('1.28.0').exec.command[0]).toBe('node');
  });

  test('never has its passwords in a ConfigMap or in the manifest of its pods', () => {
    const manifests = render();
    const secrets = manifests
      .filter(({ kind }) => kind === 'Secret')
      .flatMap(({ data }) => Object.values(data as Record<string, string>))
      .map((value) => Buffer.from(value, 'base64').toString());
    expect(secrets.every((secret) => secret.length >= 32)).toBe(true);
    const rest = JSON.stringify(manifests.filter(({ kind }) => kind !== 'Secret'));
    expect(secrets.filter((secret) => rest.includes(secret))).toEqual([]);
  });

  test('uses Secrets that exist, and makes none then', () => {
    const manifests = render('--set', 'secret.existingSecret=mine,redis.existingSecret=yours');
    expect(manifests.filter(({ kind }) => kind === 'Secret')).toEqual([]);
    const env = find(manifests, 'Deployment', 'demo-lodestream').spec.template.spec.containers[0].env;
    expect(env.flatMap((one: Manifest) => one.valueFrom?.secretKeyRef?.name ?? [])).toEqual(['mine', 'yours']);
  });
});

test('a Kubernetes that is too old is refused', () => {
  expect(refusal('template', '--kube-version', '1.27.9')).toMatch(/incompatible/);
});

test('routes without a host, quotas without a number are refused in words', () => {
  expect(refusal('template', '--set', 'ingress.enabled=true')).toContain('ingress.hosts');
  expect(refusal('template', '--set', 'gatewayApi.enabled=true')).toContain('gatewayApi.parentRefs');
  expect(refusal('template', '--set', 'workloads.createNamespace=true')).toContain('workloads.namespace');
  expect(refusal('template', '--set', 'workloads.resourceQuota.enabled=true')).toContain('workloads.resourceQuota.hard');
  expect(refusal('template', '--set', 'workloads.limitRange.enabled=true')).toContain('workloads.limitRange.limits');
});

test('routes do not buffer, and wait long', () => {
  const ingress = find(render('--set', 'ingress.enabled=true,ingress.hosts={a.example}'), 'Ingress').metadata.annotations;
  expect(ingress['nginx.ingress.kubernetes.io/proxy-buffering']).toBe('off');
  expect(Number(ingress['nginx.ingress.kubernetes.io/proxy-read-timeout'])).toBeGreaterThan(60);
  const route = find(render('--values', join(CHART, 'ci/gateway-api-values.yaml')), 'HTTPRoute');
  expect(route.spec.rules[0].timeouts).toEqual({ request: '0s', backendRequest: '0s' });
});

test('the dashboard is JSON, and asks for metrics that the gateway has', () => {
  const { data } = find(render('--set', 'metrics.dashboard.enabled=true'), 'ConfigMap', '-dashboard');
  const dashboard = JSON.parse(data['lodestream.json']);
  const asked = JSON.stringify(dashboard.panels).match(/lodestream_[a-z_]+/g) ?? [];
  const known = readFileSync(join(CHART, '../../../services/gateway/src/metrics.ts'), 'utf8');
  const isOurs = (name: string) =>
    known.includes(`'${name.replace(/_bucket$/, '')}'`) || name.startsWith('lodestream_gateway_process_');
  expect(asked.length).toBeGreaterThan(5);
  expect(asked.filter((name: string) => !isOurs(name))).toEqual([]);
});

test('every file that a template reads is there', () => {
  expect(['files/helm-test.mjs', 'dashboards/lodestream.json'].filter((file) => !existsSync(join(CHART, file)))).toEqual([]);
});
