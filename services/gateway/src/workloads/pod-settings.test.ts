import { describe, expect, it } from 'vitest';
import { DownloaderPodSettings, readBytes, TranscoderPodSettings } from './pod-settings.ts';

describe('pod settings', () => {
  it('need an image, and have a default for all the rest', () => {
    expect(DownloaderPodSettings.parse({ image: 'a' })).toMatchObject({ cpu: '100m', memoryLimit: '1Gi', scratch: '8Gi' });
    expect(TranscoderPodSettings.parse({ image: 'a' })).toMatchObject({ videoCpu: '250m', sleepingCpu: '10m', scratch: '4Gi' });
    expect(TranscoderPodSettings.safeParse({}).success).toBe(false);
  });

  it.each([
    ['a misspelt key', { memorylimit: '1Gi' }],
    ['a size without sense', { scratch: 'much' }],
    ['a share of a CPU without sense', { cpu: '1 core' }],
    ['a policy that Kubernetes does not know', { imagePullPolicy: 'Sometimes' }],
  ])('refuse %s', (_name, change) => {
    expect(DownloaderPodSettings.safeParse({ image: 'a', ...change }).success).toBe(false);
  });

  it('read quantities of bytes as Kubernetes does', () => {
    const read = Object.fromEntries(['7', '1k', '1Ki', '1.5Mi', '2G', '8Gi', '1Ti'].map((text) => [text, readBytes(text)]));
    expect(read).toEqual({
      '7': 7,
      '1k': 1000,
      '1Ki': 1024,
      '1.5Mi': 1_572_864,
      '2G': 2_000_000_000,
      '8Gi': 8_589_934_592,
      '1Ti': 1_099_511_627_776,
    });
  });
});
