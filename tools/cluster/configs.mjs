import { BRIDGE, HOST_ADDRESS, NODE_NAME, PAUSE_IMAGE, POD_NETWORK, SERVICE_NETWORK } from './place.mjs';

/** The texts that the parts of the cluster are configured by. Pure. */

/** Who may ask the API server, by token. Only tests' clients and the cluster's own parts ever do. */
export const IDENTITIES = {
  admin: { token: 'admin-token', user: 'admin', group: 'system:masters' },
  // Without an account for every controller it needs more than its own role.
  controllers: { token: 'controllers-token', user: 'system:kube-controller-manager', group: 'system:masters' },
  scheduler: { token: 'scheduler-token', user: 'system:kube-scheduler' },
  node: { token: 'node-token', user: `system:node:${NODE_NAME}`, group: 'system:nodes' },
};

export function tokenFile() {
  const lines = Object.values(IDENTITIES).map(({ token, user, group }, index) =>
    [token, user, index + 1, ...(group ? [`"${group}"`] : [])].join(','),
  );
  return `${lines.join('\n')}\n`;
}

export function kubeconfig(token, server = 'https://127.0.0.1:6443') {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'lab', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'user', user: { token } }],
    contexts: [{ name: 'lab', context: { cluster: 'lab', user: 'user' } }],
    'current-context': 'lab',
  });
}

export function etcdArgs(dir) {
  return [
    `--data-dir=${dir}/etcd`,
    '--unsafe-no-fsync',
    '--listen-client-urls=http://127.0.0.1:2379',
    '--advertise-client-urls=http://127.0.0.1:2379',
    '--listen-peer-urls=http://127.0.0.1:2380',
    '--initial-advertise-peer-urls=http://127.0.0.1:2380',
    '--initial-cluster=default=http://127.0.0.1:2380',
    '--log-level=warn',
  ];
}

export function apiServerArgs(dir) {
  return [
    '--etcd-servers=http://127.0.0.1:2379',
    '--secure-port=6443',
    '--bind-address=0.0.0.0',
    // Pods reach it as the Service `kubernetes`.
    `--advertise-address=${HOST_ADDRESS}`,
    `--cert-dir=${dir}/pki`,
    `--token-auth-file=${dir}/tokens.csv`,
    '--authorization-mode=Node,RBAC',
    '--enable-admission-plugins=NodeRestriction',
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${dir}/pki/accounts.pub`,
    `--service-account-signing-key-file=${dir}/pki/accounts.key`,
    `--service-cluster-ip-range=${SERVICE_NETWORK}`,
    // Logs of pods and commands in them are asked of the kubelet, which wants to know by whom.
    `--kubelet-client-certificate=${dir}/pki/kubelet-client.crt`,
    `--kubelet-client-key=${dir}/pki/kubelet-client.key`,
    '--kubelet-preferred-address-types=InternalIP',
    '--v=1',
  ];
}

export function controllerManagerArgs(dir) {
  const kubeconfigPath = `${dir}/controllers.kubeconfig`;
  return [
    `--kubeconfig=${kubeconfigPath}`,
    `--authentication-kubeconfig=${kubeconfigPath}`,
    `--authorization-kubeconfig=${kubeconfigPath}`,
    '--leader-elect=false',
    `--service-account-private-key-file=${dir}/pki/accounts.key`,
    `--root-ca-file=${dir}/pki/apiserver.crt`,
    `--cert-dir=${dir}/pki`,
    '--bind-address=127.0.0.1',
  ];
}

export function schedulerArgs(dir) {
  const kubeconfigPath = `${dir}/scheduler.kubeconfig`;
  return [
    `--kubeconfig=${kubeconfigPath}`,
    `--authentication-kubeconfig=${kubeconfigPath}`,
    `--authorization-kubeconfig=${kubeconfigPath}`,
    '--leader-elect=false',
    `--cert-dir=${dir}/pki`,
    '--bind-address=127.0.0.1',
  ];
}

export function kubeletArgs(dir) {
  return [
    `--config=${dir}/kubelet.json`,
    `--kubeconfig=${dir}/node.kubeconfig`,
    `--hostname-override=${NODE_NAME}`,
    `--root-dir=${dir}/kubelet`,
    `--cert-dir=${dir}/kubelet-pki`,
    `--node-ip=${HOST_ADDRESS}`,
  ];
}

export function kubeletConfig(dir) {
  return JSON.stringify({
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    cgroupDriver: 'cgroupfs',
    failSwapOn: false,
    failCgroupV1: false,
    enforceNodeAllocatable: [],
    readOnlyPort: 0,
    address: HOST_ADDRESS,
    port: 10_250,
    healthzPort: 10_248,
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: `${dir}/pki/ca.crt` } },
    authorization: { mode: 'Webhook' },
    evictionHard: { 'memory.available': '200Mi', 'nodefs.available': '500Mi', 'imagefs.available': '500Mi' },
    // From 85 % of the disk on, which others fill, it would remove images that no pod runs just now; without a registry they are gone.
    imageGCHighThresholdPercent: 100,
    kubeAPIQPS: 50,
    kubeAPIBurst: 100,
    clusterDNS: [HOST_ADDRESS],
    clusterDomain: 'cluster.local',
    containerRuntimeEndpoint: `unix://${dir}/run/containerd.sock`,
  });
}

export function proxyConfig(dir) {
  return JSON.stringify({
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    clusterCIDR: POD_NETWORK,
    clientConnection: { kubeconfig: `${dir}/admin.kubeconfig` },
    hostnameOverride: NODE_NAME,
    conntrack: { maxPerCore: 0 },
    healthzBindAddress: '127.0.0.1:10256',
    metricsBindAddress: '127.0.0.1:10249',
  });
}

/** Names of Services; whatever else there is, is not known here: tests' packets stay on this machine. */
export function dnsConfig(dir) {
  return `cluster.local:53 {
  bind ${HOST_ADDRESS}
  errors
  kubernetes cluster.local {
    kubeconfig ${dir}/admin.kubeconfig
    ttl 1
  }
}
.:53 {
  bind ${HOST_ADDRESS}
  template ANY ANY {
    rcode NXDOMAIN
  }
}
`;
}

export function networkConfig(dir) {
  return JSON.stringify({
    cniVersion: '1.0.0',
    name: 'lab',
    plugins: [
      {
        type: 'bridge',
        bridge: BRIDGE,
        isGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: {
          type: 'host-local',
          dataDir: `${dir}/run/ipam`,
          ranges: [[{ subnet: POD_NETWORK }]],
          routes: [{ dst: '0.0.0.0/0' }],
        },
      },
      { type: 'loopback' },
    ],
  });
}

export function containerdConfig(dir) {
  return `version = 2
root = "${dir}/containerd/root"
state = "${dir}/containerd/state"
[grpc]
  address = "${dir}/run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Where root lacks CAP_SYS_RESOURCE a container's oom_score_adj cannot be lowered, and none would start.
  restrict_oom_score_adj = true
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${dir}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
`;
}
