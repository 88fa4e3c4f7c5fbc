import { z } from 'zod';

const UNITS: Record<string, number> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 1024,
  Mi: 1024 ** 2,
  Gi: 1024 ** 3,
  Ti: 1024 ** 4,
};
const BYTES = /^(\d+(?:\.\d+)?)(k|M|G|T|Ki|Mi|Gi|Ti)?$/;
const bytes = z.string().regex(BYTES, 'must be a quantity of bytes, like 512Mi');
const cpu = z.string().regex(/^\d+(?:\.\d+)?m?$/, 'must be a quantity of CPU, like 250m');
const texts = z.record(z.string(), z.string()).default({});

const common = {
  image: z.string().min(1),
  imagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
  imagePullSecrets: z.array(z.string()).default([]),
  serviceAccountName: z.string().optional(),
  priorityClassName: z.string().optional(),
  runtimeClassName: z.string().optional(),
  nodeSelector: texts,
  tolerations: z.array(z.record(z.string(), z.unknown())).default([]),
  labels: texts,
  annotations: texts,
  memoryRequest: bytes.default('256Mi'),
  /** How much of a node's disk it counts for when a place for it is looked for. */
  scratchRequest: bytes.default('256Mi'),
  /** A volume source in place of the emptyDir, as Kubernetes writes it: `{"ephemeral": …}`. */
  scratchVolume: z.record(z.string(), z.unknown()).optional(),
};

/** Pods of downloaders. A downloader lets pieces go at a share of `scratch`, so that the kubelet never evicts it. */
export const DownloaderPodSettings = z.strictObject({
  ...common,
  cpu: cpu.default('100m'),
  memoryLimit: bytes.default('1Gi'),
  scratch: bytes.default('8Gi'),
});
export type DownloaderPodSettings = z.infer<typeof DownloaderPodSettings>;

/** Pods of probes and runs. `videoCpu` is requested by a run that encodes a picture, `sleepingCpu` while it sleeps. */
export const TranscoderPodSettings = z.strictObject({
  ...common,
  cpu: cpu.default('100m'),
  videoCpu: cpu.default('250m'),
  sleepingCpu: cpu.default('10m'),
  memoryLimit: bytes.default('1Gi'),
  scratch: bytes.default('4Gi'),
});
export type TranscoderPodSettings = z.infer<typeof TranscoderPodSettings>;

/** `1.5Gi` → bytes; the text has been checked. */
export function readBytes(quantity: string): number {
  const [, amount = '0', unit = ''] = BYTES.exec(quantity) ?? [];
  return Math.floor(Number(amount) * (UNITS[unit] ?? 1));
}
