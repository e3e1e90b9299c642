import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import {
  changeEmailBody,
  changePasswordBody,
  confirmEmailBody,
  deleteAccountBody,
  emailBody,
  registerBody,
  resetPasswordBody,
  updateAccountBody,
  verifyEmailBody,
} from '../src/adapters/http/accounts/account-schemas.ts';
import { bulkDecommissionBody, bulkProvisionBody } from '../src/adapters/http/bulk/bulk-schemas.ts';
import { emptyBody } from '../src/adapters/http/common-schemas.ts';
import { checkDriftBody, driftPoliciesBody } from '../src/adapters/http/drift/drift-schemas.ts';
import {
  changeForwardsBody,
  createForwardsBody,
  forwardChangeBody,
} from '../src/adapters/http/forwards/forward-schemas.ts';
import { forwardTemplateBody } from '../src/adapters/http/forwards/forward-template-schemas.ts';
import { portActionBody, portTemplateBody } from '../src/adapters/http/forwards/port-schemas.ts';
import {
  createIdentityProviderBody,
  updateIdentityProviderBody,
} from '../src/adapters/http/identities/identity-provider-schemas.ts';
import { signInAnswerBody, startSignInBody } from '../src/adapters/http/identities/identity-schemas.ts';
import {
  createApiKeyBody,
  createOwnKeyBody,
  rotateApiKeyBody,
  updateApiKeyBody,
  updateOwnKeyBody,
} from '../src/adapters/http/keys/api-key-schemas.ts';
import { addBlockBody, limitsBody } from '../src/adapters/http/limits/limit-schemas.ts';
import { newPoolBodies, poolChangeBodies, reservationBodies } from '../src/adapters/http/pools/pool-bodies.ts';
import { addRouterBody, testRouterBody, updateRouterBody } from '../src/adapters/http/routers/router-schemas.ts';
import { documents } from '../src/adapters/http/server/openapi.ts';
import { logoutBody, refreshBody, tokenBody } from '../src/adapters/http/sessions/session-schemas.ts';
import { createGroupBody, groupMemberBody, updateGroupBody } from '../src/adapters/http/users/group-schemas.ts';
import { acceptInvitationBody, createInvitationBody } from '../src/adapters/http/users/invitation-schemas.ts';
import { banBody, createUserBody, unbanBody, updateUserBody } from '../src/adapters/http/users/user-schemas.ts';
import { updateVmBody } from '../src/adapters/http/vms/vm-resource-schemas.ts';
import { provisionVmBody } from '../src/adapters/http/vms/vm-schemas.ts';
import { poolKinds } from '../src/domain/pools/pool-terms.ts';
import { startTestGateway } from './support/gateway-under-test.ts';

type Json = Record<string, unknown>;
interface Operation {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: string[];
  readonly parameters?: { name: string; in: string; required?: boolean }[];
  readonly requestBody?: Json;
  readonly responses: Record<string, { description?: string; content?: Record<string, unknown> }>;
}

const contract = [
  'get /',
  'get /v1/health',
  'get /v1/vms',
  'get /v1/vms/{machine_id}',
  'patch /v1/vms/{machine_id}',
  'post /v1/vms/provision',
  'post /v1/provision',
  'post /v1/vms/{machine_id}/ports/template',
  'post /v1/vms/{machine_id}/ports/{port_name}',
  'delete /v1/vms/{machine_id}/decommission',
  'get /v1/vms/{machine_id}/forwards',
  'post /v1/vms/{machine_id}/forwards',
  'patch /v1/vms/{machine_id}/forwards',
  'get /v1/vms/{machine_id}/forwards/{forward_name}',
  'patch /v1/vms/{machine_id}/forwards/{forward_name}',
  'delete /v1/vms/{machine_id}/forwards/{forward_name}',
  'get /v1/forward-template',
  'put /v1/forward-template',
  'get /v1/vms/{machine_id}/ports/status',
  'get /v1/ports/status',
  'get /v1/status/vms/{machine_id}/ports',
  'get /v1/status/ports',
  'get /v1/operations',
  'get /v1/operations/{id}',
  'post /v1/plans',
  'get /v1/plans',
  'get /v1/plans/{plan_id}',
  'post /v1/plans/{plan_id}/apply',
  'delete /v1/plans/{plan_id}',
  'post /v1/operations/{id}/cancel',
  'post /v1/vms/bulk-provision',
  'post /v1/vms/bulk-decommission',
  'get /v1/bulks/{id}',
  'get /v1/bulks/{id}/items',
  'get /v1/routers/{router}/adoptions/preview',
  'post /v1/routers/{router}/adoptions',
  'post /v1/routers/{router}/rollback',
  'post /v1/routers/{router}/restore',
  'get /v1/routers/{router}/backup',
  'post /v1/routers/{router}/files',
  'get /v1/routers/{router}/files',
  'post /v1/admin/api-keys',
  'get /v1/admin/api-keys',
  'get /v1/admin/api-keys/{id}',
  'patch /v1/admin/api-keys/{id}',
  'put /v1/admin/api-keys/{id}',
  'delete /v1/admin/api-keys/{id}',
  'post /v1/admin/api-keys/{id}/rotate',
  'get /v1/admin/mails',
  'post /v1/admin/mails/{id}/retry',
  'post /v1/admin/mails/test',
  'get /v1/account/subscriptions',
  'put /v1/account/subscriptions',
  'get /v1/account/api-keys',
  'post /v1/account/api-keys',
  'get /v1/account/api-keys/{id}',
  'patch /v1/account/api-keys/{id}',
  'delete /v1/account/api-keys/{id}',
  'post /v1/account/api-keys/{id}/rotate',
  'get /v1/admin/audit',
  'get /v1/admin/audit/export',
  'get /v1/admin/audit/heads',
  'post /v1/admin/audit/keys/rotate',
  'get /v1/admin/users',
  'post /v1/admin/users',
  'get /v1/admin/users/{id}',
  'patch /v1/admin/users/{id}',
  'delete /v1/admin/users/{id}',
  'post /v1/admin/users/{id}/ban',
  'post /v1/admin/users/{id}/unban',
  'get /v1/admin/users/{id}/bans',
  'post /v1/admin/invitations',
  'get /v1/admin/invitations',
  'delete /v1/admin/invitations/{id}',
  'post /v1/auth/accept-invitation',
  'get /v1/admin/groups',
  'post /v1/admin/groups',
  'get /v1/admin/groups/{name}',
  'patch /v1/admin/groups/{name}',
  'delete /v1/admin/groups/{name}',
  'get /v1/admin/groups/{name}/members',
  'post /v1/admin/groups/{name}/members',
  'delete /v1/admin/groups/{name}/members/{user_id}',
  'get /v1/admin/identity-providers',
  'post /v1/admin/identity-providers',
  'get /v1/admin/identity-providers/{name}',
  'patch /v1/admin/identity-providers/{name}',
  'delete /v1/admin/identity-providers/{name}',
  'get /v1/auth/providers',
  'post /v1/auth/providers/{provider}/start',
  'post /v1/auth/providers/{provider}/callback',
  'get /v1/account/identities',
  'post /v1/account/identities/{provider}/start',
  'post /v1/account/identities/{provider}/callback',
  'delete /v1/account/identities/{id}',
  'post /v1/auth/token',
  'post /v1/auth/jwt',
  'post /v1/auth/refresh',
  'post /v1/auth/logout',
  'post /v1/auth/logout-everywhere',
  'get /v1/account/sessions',
  'delete /v1/account/sessions',
  'delete /v1/account/sessions/{id}',
  'get /v1/admin/users/{id}/sessions',
  'delete /v1/admin/users/{id}/sessions',
  'get /.well-known/jwks.json',
  'get /v1/admin/signing-keys',
  'post /v1/admin/signing-keys/rotate',
  'delete /v1/admin/signing-keys/{id}',
  'get /v1/routers',
  'post /v1/routers',
  'get /v1/routers/{router}',
  'patch /v1/routers/{router}',
  'delete /v1/routers/{router}',
  'post /v1/routers/{router}/disable',
  'post /v1/routers/{router}/enable',
  'post /v1/routers/{router}/test',
  'post /v1/routers/test',
  'get /v1/routers/{router}/drift',
  'post /v1/routers/{router}/drift/check',
  'get /v1/routers/{router}/drift/policies',
  'put /v1/routers/{router}/drift/policies',
  'post /v1/admin/sync-vyos-config',
  'get /v1/routers/{router}/commits',
  'get /v1/routers/{router}/commits/{commit}',
  'get /v1/routers/{router}/config',
  'get /v1/routers/{router}/diff',
  'get /v1/routers/{router}/explain',
  'get /v1/admin/limits',
  'put /v1/admin/limits',
  'get /v1/admin/usage',
  'get /v1/account/usage',
  'get /v1/admin/blocks',
  'post /v1/admin/blocks',
  'delete /v1/admin/blocks/{subject}',
  'post /v1/auth/register',
  'post /v1/auth/verify-email',
  'post /v1/auth/resend-verification',
  'post /v1/auth/forgot-password',
  'post /v1/auth/reset-password',
  'post /v1/auth/confirm-email',
  'get /v1/account',
  'patch /v1/account',
  'delete /v1/account',
  'post /v1/account/password',
  'post /v1/account/email',
  'get /v1/users/{name}',
  'get /v1/pools',
  'get /v1/pools/explain',
  ...poolKinds.flatMap((kind) => [
    ...[`/v1/pools/${kind}`, `/v1/admin/${kind}`].flatMap((path) => [
      `get ${path}`,
      `post ${path}`,
      `get ${path}/{pool}`,
      `patch ${path}/{pool}`,
      `delete ${path}/{pool}`,
    ]),
    `put /v1/admin/${kind}/{pool}`,
    `post /v1/pools/${kind}/{pool}/drain`,
    `post /v1/pools/${kind}/{pool}/undrain`,
    `get /v1/pools/${kind}/{pool}/allocations`,
    `get /v1/pools/${kind}/{pool}/reservations`,
    `post /v1/pools/${kind}/{pool}/reservations`,
    `delete /v1/pools/${kind}/{pool}/reservations/{reservation_id}`,
  ]),
];

test('the document is OpenAPI 3.1, open, and the same at both addresses', async (t) => {
  const gateway = await startTestGateway(t);
  const one = await gateway.call('GET', '/openapi.json', { apiKey: null });
  assert.equal(one.status, 200);
  assert.equal(one.body.openapi, '3.1.0');
  assert.match(one.body.info.version, /^\d+\.\d+\.\d+$/);
  assert.deepEqual((await gateway.call('GET', '/v1/openapi.json', { apiKey: null })).body, one.body);
  const etag = one.headers.get('etag') ?? '';
  assert.equal((await gateway.call('GET', '/openapi.json', { headers: { 'if-none-match': etag } })).status, 304);
  assert.deepEqual(Object.keys(one.body.components.securitySchemes), ['apiKey', 'bearer']);
});

test('the document has every route of the contract and no other, each described', async (t) => {
  const gateway = await startTestGateway(t);
  const { paths } = (await gateway.call('GET', '/openapi.json')).body;
  const found = new Map<string, Operation>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods as Record<string, Operation>)) {
      found.set(`${method} ${path}`, operation);
    }
  }
  assert.deepEqual([...found.keys()].sort(), [...contract].sort());
  const ids = [...found.values()].map((operation) => operation.operationId);
  assert.equal(new Set(ids).size, contract.length);
  for (const [route, operation] of found) {
    assert.ok(operation.operationId && operation.summary && operation.tags?.length === 1, route);
    const inPath = [...route.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
    const named = operation.parameters?.filter((parameter) => parameter.in === 'path' && parameter.required) ?? [];
    assert.deepEqual(named.map((parameter) => parameter.name).sort(), inPath.sort(), route);
    for (const [status, response] of Object.entries(operation.responses)) {
      assert.ok(response.description && response.description !== 'Default Response', `${route} ${status}`);
      const isProblem = Number(status) >= 400 && !(route === 'get /v1/health' && status === '503');
      if (isProblem)
        assert.deepEqual(Object.keys(response.content ?? {}), ['application/problem+json'], `${route} ${status}`);
    }
    if (/^(post|patch|put) /.test(route)) assert.ok(operation.requestBody, route);
  }
});

test('every route documents what is answered before it has its say', async (t) => {
  const gateway = await startTestGateway(t);
  const { paths } = (await gateway.call('GET', '/openapi.json')).body;
  for (const [path, methods] of Object.entries<Record<string, Operation>>(paths)) {
    for (const [method, { responses, requestBody, parameters }] of Object.entries(methods)) {
      const takesSomething = requestBody !== undefined || (parameters ?? []).some((one) => one.in === 'path');
      const wanted = ['403', '429', '500', '503', ...(takesSomething ? ['400', '422'] : [])];
      for (const status of wanted) assert.ok(responses[status], `${method} ${path} ${status}`);
    }
  }
  for (const [path, status] of [
    ['/v1/vms/%E0%A4%A', 400],
    ['/v1/vms/web-01?unknown=1', 422],
  ] as const) {
    const answer = await gateway.call('GET', path);
    assert.equal(answer.status, status);
    assert.ok(paths['/v1/vms/{machine_id}'].get.responses[status], path);
  }
});

test('every reference in the document leads somewhere', async (t) => {
  const gateway = await startTestGateway(t);
  const document = (await gateway.call('GET', '/openapi.json')).body;
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map((match) => match[1] ?? '');
  assert.ok(references.length > 20);
  for (const reference of new Set(references)) {
    const target = reference
      .replace(/^#\//, '')
      .split('/')
      .reduce<unknown>((at, step) => (at as Json | undefined)?.[step], document);
    assert.ok(target, reference);
  }
});

test('every header and parameter has a schema that says its type, and nothing that OpenAPI does not know', async (t) => {
  const gateway = await startTestGateway(t);
  const document = (await gateway.call('GET', '/openapi.json')).body;
  const members = ['description', 'required', 'deprecated', 'schema', 'style', 'explode', 'example', 'examples'];
  const names: string[] = [];
  const check = (header: Json, where: string, more: readonly string[] = []) => {
    for (const member of Object.keys(header)) assert.ok([...members, ...more].includes(member), `${where}: ${member}`);
    const { type, schema } = header['schema'] as Json;
    assert.ok(typeof type === 'string' && schema === undefined, `${where}: ${JSON.stringify(header)}`);
  };
  const walk = (value: unknown, where: string): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [name, inner] of Object.entries(value)) {
      const here = `${where}/${name}`;
      if (name === 'parameters') for (const one of inner) check(one, `${here}/${one.name}`, ['name', 'in']);
      if (name !== 'headers') walk(inner, here);
      else
        for (const [header, one] of Object.entries<Json>(inner)) check(one, `${here}/${names[names.push(header) - 1]}`);
    }
  };
  walk(document, '');
  assert.deepEqual([...new Set(names)].sort(), ['ETag', 'Link', 'Location']);
});

test('every example is valid by its schema', () => {
  const bodies = [
    bulkProvisionBody,
    bulkDecommissionBody,
    provisionVmBody,
    portTemplateBody,
    portActionBody,
    updateVmBody,
    createForwardsBody,
    forwardChangeBody,
    changeForwardsBody,
    forwardTemplateBody,
    createApiKeyBody,
    createOwnKeyBody,
    updateOwnKeyBody,
    updateApiKeyBody,
    rotateApiKeyBody,
    createIdentityProviderBody,
    updateIdentityProviderBody,
    startSignInBody,
    signInAnswerBody,
    tokenBody,
    refreshBody,
    logoutBody,
    addRouterBody,
    updateRouterBody,
    testRouterBody,
    checkDriftBody,
    driftPoliciesBody,
    limitsBody,
    addBlockBody,
    registerBody,
    verifyEmailBody,
    emailBody,
    resetPasswordBody,
    confirmEmailBody,
    changePasswordBody,
    changeEmailBody,
    deleteAccountBody,
    updateAccountBody,
    createGroupBody,
    updateGroupBody,
    groupMemberBody,
    createUserBody,
    updateUserBody,
    banBody,
    unbanBody,
    createInvitationBody,
    acceptInvitationBody,
    emptyBody,
    ...[newPoolBodies, poolChangeBodies, reservationBodies].flatMap(Object.values<TSchema>),
  ];
  const context = Object.fromEntries(
    documents.map((document) => [`${String(Reflect.get(document, '$id'))}#`, document]),
  );
  for (const schema of [...bodies, ...documents]) {
    const examples: unknown = Reflect.get(schema, 'examples');
    assert.ok(Array.isArray(examples) && examples.length > 0, JSON.stringify(schema).slice(0, 80));
    const check = Compile(context, schema);
    for (const example of examples) assert.deepEqual(check.Errors(example), [], JSON.stringify(example));
  }
});

test('the document is written once, however often strangers ask for it', async (t) => {
  const { url } = await startTestGateway(t);
  const first = await fetch(`${url}/openapi.json`);
  assert.equal(first.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.ok('paths' in Object(await first.json()));
  const again = { headers: { 'if-none-match': first.headers.get('etag') ?? '' } };
  const costOf = async (path: string): Promise<number> => {
    const before = process.cpuUsage();
    for (let i = 0; i < 40; i++) await (await fetch(`${url}${path}`, again)).arrayBuffer();
    return process.cpuUsage(before).user / 1_000 / 40;
  };
  await costOf('/'); // what is slow at first is not measured
  const [document, other] = [await costOf('/openapi.json'), await costOf('/')];
  // Writing it takes as long as ten other answers.
  assert.ok(document < 3 * other + 1, `${document} ms of processor time each, another answer ${other} ms`);
});
