/** The Pod Security Standard `restricted`, as far as a pod of ours can break it, and two rules of our own. Pure. */
type SecurityContext = {
  runAsNonRoot?: boolean;
  runAsUser?: number;
  seccompProfile?: { type: string };
  allowPrivilegeEscalation?: boolean;
  readOnlyRootFilesystem?: boolean;
  privileged?: boolean;
  capabilities?: { drop?: string[]; add?: string[] };
};
type Container = {
  name: string;
  securityContext?: SecurityContext;
  ports?: { hostPort?: number }[];
  resources?: { limits?: Record<string, unknown> };
};
export type PodSpec = {
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  automountServiceAccountToken?: boolean;
  securityContext?: SecurityContext;
  containers: Container[];
  initContainers?: Container[];
  volumes?: Record<string, unknown>[];
};

const ALLOWED_VOLUMES = [
  'name',
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];

/** What a `restricted` namespace would refuse, in words; empty: nothing. */
export function findPodFaults(pod: PodSpec): string[] {
  const whole = pod.securityContext ?? {};
  const faults = [
    ...(['hostNetwork', 'hostPID', 'hostIPC'] as const).filter((key) => pod[key]),
    ...(pod.volumes ?? []).flatMap((volume) => Object.keys(volume).filter((key) => !ALLOWED_VOLUMES.includes(key))),
  ];
  for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
    const own = container.securityContext ?? {};
    const rules: [boolean, string][] = [
      [(own.runAsNonRoot ?? whole.runAsNonRoot) === true, 'may run as root'],
      [(own.runAsUser ?? whole.runAsUser) !== 0, 'runs as root'],
      [(own.seccompProfile ?? whole.seccompProfile)?.type === 'RuntimeDefault', 'has no seccomp profile'],
      [own.allowPrivilegeEscalation === false, 'may escalate'],
      [own.privileged !== true, 'is privileged'],
      [own.capabilities?.drop?.includes('ALL') === true && !own.capabilities.add, 'keeps capabilities'],
      [!container.ports?.some((port) => port.hostPort), 'takes a port of the node'],
      // Beyond the standard.
      [own.readOnlyRootFilesystem === true, 'may write to its root'],
      [container.resources?.limits?.['memory'] !== undefined, 'has no limit of memory'],
    ];
    for (const [isKept, fault] of rules) if (!isKept) faults.push(`${container.name} ${fault}`);
  }
  return faults;
}
