import { expect, test } from 'vitest';
import { isAllowed, type NetworkPolicy, type Party } from './network-policy.ts';

const pod = (app: string, namespace = 'a'): Party => ({ kind: 'pod', namespace, labels: { app }, ports: { http: 80 } });
const address = (text: string): Party => ({ kind: 'address', address: text });
const policy = (app: string, spec: Partial<NetworkPolicy['spec']>, namespace = 'a'): NetworkPolicy => ({
  metadata: { name: app, namespace },
  spec: { podSelector: { matchLabels: { app } }, policyTypes: ['Ingress', 'Egress'], ...spec },
});

test('a pod that no policy selects is open in both directions', () => {
  expect(isAllowed([], { from: pod('x'), to: pod('y'), port: 1 })).toBe(true);
  expect(isAllowed([policy('x', {}, 'b')], { from: pod('x'), to: pod('y'), port: 1 })).toBe(true);
});

test('a selected pod without a rule is closed in both directions', () => {
  const closed = [policy('x', {})];
  expect(isAllowed(closed, { from: pod('x'), to: pod('y'), port: 1 })).toBe(false);
  expect(isAllowed(closed, { from: pod('y'), to: pod('x'), port: 1 })).toBe(false);
});

test('both ends must agree', () => {
  const out = policy('x', { egress: [{}] });
  const noEntry = policy('y', {});
  expect(isAllowed([out], { from: pod('x'), to: pod('y'), port: 1 })).toBe(true);
  expect(isAllowed([out, noEntry], { from: pod('x'), to: pod('y'), port: 1 })).toBe(false);
});

test('a peer without a namespace selector is in the namespace of the policy', () => {
  const policies = [policy('x', { ingress: [{ from: [{ podSelector: { matchLabels: { app: 'y' } } }] }] })];
  expect(isAllowed(policies, { from: pod('y'), to: pod('x'), port: 1 })).toBe(true);
  expect(isAllowed(policies, { from: pod('y', 'b'), to: pod('x'), port: 1 })).toBe(false);
});

test('a port by name is the port of the target, and by number only that number and protocol', () => {
  const byName = [policy('x', { egress: [{ ports: [{ port: 'http' }] }] })];
  expect(isAllowed(byName, { from: pod('x'), to: pod('y'), port: 80 })).toBe(true);
  expect(isAllowed(byName, { from: pod('x'), to: pod('y'), port: 81 })).toBe(false);
  const byNumber = [policy('x', { egress: [{ ports: [{ port: 53, protocol: 'UDP' }] }] })];
  expect(isAllowed(byNumber, { from: pod('x'), to: pod('y'), port: 53, protocol: 'UDP' })).toBe(true);
  expect(isAllowed(byNumber, { from: pod('x'), to: pod('y'), port: 53 })).toBe(false);
});

test('an address block has holes, and is of one family', () => {
  const policies = [policy('x', { egress: [{ to: [{ ipBlock: { cidr: '0.0.0.0/0', except: ['10.0.0.0/8'] } }] }] })];
  expect(isAllowed(policies, { from: pod('x'), to: address('192.0.2.1'), port: 1 })).toBe(true);
  expect(isAllowed(policies, { from: pod('x'), to: address('10.1.2.3'), port: 1 })).toBe(false);
  expect(isAllowed(policies, { from: pod('x'), to: address('2a00::1'), port: 1 })).toBe(false);
  expect(isAllowed(policies, { from: pod('x'), to: pod('y'), port: 1 })).toBe(false);
});
