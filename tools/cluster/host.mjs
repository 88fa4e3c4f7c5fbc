import { existsSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCommand, runCommand } from '../setup/run-command.mjs';

/** What a cluster changes of the machine that it runs on, and how it was before. */

const sysctlFile = (name) => join('/proc/sys', ...name.split('.'));
const FORWARD = 'net.ipv4.ip_forward';
const NO_NEW_IPV6 = 'net.ipv6.conf.default.disable_ipv6';
/** The kubelet and the network of the pods set these. A kernel without IPv6 has nothing to set of it. */
const SYSCTLS = ['vm.overcommit_memory', 'kernel.panic', 'kernel.panic_on_oops', FORWARD, NO_NEW_IPV6].filter((name) =>
  existsSync(sysctlFile(name)),
);

export function readSysctls() {
  return Object.fromEntries(SYSCTLS.map((name) => [name, readFileSync(sysctlFile(name), 'utf8').trim()]));
}

export function writeSysctls(values) {
  for (const name of SYSCTLS) if (name in values) writeFileSync(sysctlFile(name), values[name]);
}

/**
 * For the pods' network. Every pod has an interface on this side too; were that given an address, a browser on this machine would take each
 * pod's start for a change of its own network, and fail what it has just asked for (`net::ERR_NETWORK_CHANGED`).
 */
export function preparePodNetwork() {
  writeSysctls({ [FORWARD]: '1', [NO_NEW_IPV6]: '1' });
}

/** Also a lone kubelet makes chains of its own, in both families. */
export async function removeChains() {
  for (const program of ['iptables', 'ip6tables'])
    for (const table of ['filter', 'nat', 'mangle']) {
      const base = ['-w', '-t', table];
      const rules = ((await readCommand(program, [...base, '-S'])) ?? '').split('\n');
      for (const rule of rules)
        if (rule.startsWith('-A ') && rule.includes('KUBE-'))
          await runCommand('sh', ['-c', `${program} ${base.join(' ')} ${rule.replace(/^-A/, '-D')} 2>/dev/null`]);
      const chains = rules.flatMap((rule) => /^-N (KUBE-\S+)/.exec(rule)?.[1] ?? []);
      for (const chain of chains) await readCommand(program, [...base, '-F', chain]);
      for (const chain of chains) await readCommand(program, [...base, '-X', chain]);
    }
}

/** Mounts below a folder, the innermost first. */
export async function unmountBelow(dir) {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((path) => path.startsWith(`${dir}/`));
  for (const path of mounts.sort().reverse()) await readCommand('umount', ['--lazy', path]);
}

/** The plugins name the network namespaces of pods so; an orderly end leaves none. */
export async function removeNamespaces() {
  const names = ((await readCommand('ip', ['netns', 'list'])) ?? '').match(/^cni-\S+/gm) ?? [];
  for (const name of names) await readCommand('ip', ['netns', 'del', name]);
}

export function removeControlGroups() {
  const root = '/sys/fs/cgroup';
  for (const entry of ['', ...readdirSync(root)]) removeFolders(join(root, entry, 'kubepods'));
}

/** Of a control group only folders can be removed, the innermost first. */
function removeFolders(dir) {
  let entries;
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch {
    return;
  }
  for (const entry of entries) if (entry.isDirectory()) removeFolders(join(dir, entry.name));
  try {
    rmdirSync(dir);
  } catch {
    // A process is just leaving it: the next `down` finds it.
  }
}
