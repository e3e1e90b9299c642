import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceOf } from './audited-resource.ts';

const nothing = { params: {}, location: '', machineId: '', userId: '' };
const of = (route: string, asked: Partial<typeof nothing> = {}): string => {
  const { type, id } = resourceOf({ ...nothing, ...asked, route });
  return `${type} ${id}`;
};

test('a request is about the first thing that its address names, by the id that services name it with', () => {
  const forward = { machine_id: 'web-1', forward_name: 'ssh' };
  assert.equal(of('/v1/vms/:machine_id/forwards/:forward_name', { params: forward }), 'vm web-1');
  assert.equal(of('/v1/pools/ip-pools/:pool/reservations', { params: { pool: 'edge' } }), 'pool ip-pools/edge');
  assert.equal(of('/v1/admin/users/:id/sessions', { params: { id: 'u1' } }), 'user u1');
  assert.equal(of('/v1/account/sessions/:id', { params: { id: 's1' } }), 'session s1');
  assert.equal(of('/v1/account/identities/:id', { params: { id: 'i1' } }), 'identity i1');
  assert.equal(of('/v1/account/identities/:provider/start', { params: { provider: 'x' } }), 'identity_provider x');
});

test('a request that names nothing is about what its answer does, or about whoever asks', () => {
  assert.equal(of('/v1/vms/provision', { location: '/v1/operations/o1', machineId: 'web-1' }), 'vm web-1');
  assert.equal(of('/v1/vms/bulk-provision', { location: '/v1/operations/o1' }), 'bulk o1');
  assert.equal(of('/v1/admin/rule-pools', { location: '/v1/pools/rule-pools/ci' }), 'pool rule-pools/ci');
  assert.equal(of('/v1/account/api-keys', { location: '/v1/account/api-keys/k1', userId: 'u1' }), 'api_key k1');
  assert.equal(of('/v1/account/password', { userId: 'u1' }), 'user u1');
  assert.equal(of('/v1/account/sessions', { userId: 'u1' }), 'session ');
  assert.equal(of('/v1/auth/forgot-password'), 'password_reset ');
  assert.equal(of('/v1/auth/token'), 'session ');
});
