import { timingSafeEqual } from 'node:crypto';
import type { CallHome } from '@lodestream/shared';
import type { Orchestrator } from '../orchestrator.ts';
import { isReady } from '../workload.ts';
import type { TableEntry, WorkloadTable } from '../workload-table.ts';
import { carrySpec } from './pod-manifest.ts';
import { isPodAlive, type PodView } from './read-pod.ts';

type DoorOptions = {
  table: WorkloadTable<TableEntry>;
  tokenOf: (name: string) => string;
  podOf: (name: string) => PodView | undefined;
};

/** What a worker may say and ask, with the token of its own name. */
export function createWorkerDoor({ table, tokenOf, podOf }: DoorOptions): Pick<Orchestrator, 'callHome' | 'specOf'> {
  function isTokenOf(name: string, token: string): boolean {
    const [given, expected] = [Buffer.from(token), Buffer.from(tokenOf(name))];
    return given.length === expected.length && timingSafeEqual(given, expected);
  }

  /**
   * It counts only from the address that it names: a worker cannot send the gateway to another host. Whose packets are rewritten on
   * the way is found by the cluster's word.
   */
  function takeCall({ name, address, port, uid }: CallHome, from: string): boolean {
    const entry = table.entry(name);
    const pod = podOf(name);
    if (!entry || !pod || uid !== pod.uid || !isPodAlive(pod) || from.replace(/^::ffff:/, '') !== address) return false;
    if (entry.workload.phase !== 'starting' && entry.workload.phase !== 'ready') return false;
    if (!isReady(entry.workload)) table.update(entry, { phase: 'ready', address: { host: address, port } });
    return true;
  }

  return {
    callHome: (call, token, from) => isTokenOf(call.name, token) && takeCall(call, from),
    /** What another gateway made is known here only in part, as its pod carries it. */
    specOf(name, token) {
      const spec = isTokenOf(name, token) ? table.entry(name)?.workload.spec : undefined;
      return spec && carrySpec(spec).isPartial ? spec : undefined;
    },
  };
}
