import swagger from '@fastify/swagger';
import type { FastifySchema } from 'fastify';
import pkg from '../../../../package.json' with { type: 'json' };
import { accountDocument, publicProfileDocument } from '../accounts/account-schemas.ts';
import { adoptionItem, adoptionPreview } from '../adoption/adoption-schemas.ts';
import type { App } from '../app-types.ts';
import { auditEntry, auditHeads, auditKey, auditPage } from '../audit/audit-schemas.ts';
import { bulkDocument, bulkItemDocument, bulkItemPage, bulkResult } from '../bulk/bulk-schemas.ts';
import { driftDocument, driftPolicies, syncResult } from '../drift/drift-schemas.ts';
import { digestOf, sendWithTag } from '../entity-tag.ts';
import { changedForwards, forwardDocument, vmForwards } from '../forwards/forward-schemas.ts';
import { forwardTemplate } from '../forwards/forward-template-schemas.ts';
import { changedPort, changedPorts, vmPorts } from '../forwards/port-schemas.ts';
import { healthDocument, rootDocument } from '../health/health-schemas.ts';
import {
  commitDetail,
  commitDocument,
  commitPage,
  configAtDocument,
  configDiff,
  explainedLines,
} from '../history/history-schemas.ts';
import { backupDocument } from '../history/rollback-schemas.ts';
import { identityProviderDocument, identityProviderList } from '../identities/identity-provider-schemas.ts';
import { identityDocument, identityList, signInProviderList, startedSignIn } from '../identities/identity-schemas.ts';
import { apiKeyDocument, apiKeyPage, newApiKey } from '../keys/api-key-schemas.ts';
import { blockDocument, blockPage, limitsDocument, usageDocument } from '../limits/limit-schemas.ts';
import { mailDocument, mailPage, subscriptionsDocument } from '../mails/mail-schemas.ts';
import { operationDocument, operationPage } from '../operations/operation-schemas.ts';
import { planDocument, planPage } from '../plans/plan-schemas.ts';
import { allocation, allocationPage, explainedValue, reservation } from '../pools/allocation-schemas.ts';
import { ipPool, poolPage, portPool, rulePool } from '../pools/pool-schemas.ts';
import { problemSchema, problems } from '../problem-schemas.ts';
import { routerFile, routerFileList } from '../routers/router-file-schemas.ts';
import { routerDocument, routerList, routerTest } from '../routers/router-schemas.ts';
import { sessionDocument, sessionList, tokensDocument } from '../sessions/session-schemas.ts';
import { keySetDocument, signingKeyDocument, signingKeyList } from '../sessions/signing-key-schemas.ts';
import { groupDocument, groupMemberDocument, groupMemberPage, groupPage } from '../users/group-schemas.ts';
import { invitationDocument, invitationPage } from '../users/invitation-schemas.ts';
import { banDocument, banPage, userDocument, userPage } from '../users/user-schemas.ts';
import { vmDocument, vmPage } from '../vms/vm-resource-schemas.ts';
import { decommissionedVm, provisionedVm } from '../vms/vm-schemas.ts';

/** Every document that answers carry, by its `$id`. */
export const documents = [
  problemSchema,
  rootDocument,
  healthDocument,
  provisionedVm,
  decommissionedVm,
  vmDocument,
  vmPage,
  forwardDocument,
  vmForwards,
  changedForwards,
  forwardTemplate,
  changedPorts,
  changedPort,
  vmPorts,
  operationDocument,
  operationPage,
  bulkDocument,
  bulkItemDocument,
  bulkResult,
  bulkItemPage,
  planDocument,
  planPage,
  adoptionItem,
  adoptionPreview,
  apiKeyDocument,
  newApiKey,
  apiKeyPage,
  userDocument,
  userPage,
  banDocument,
  banPage,
  invitationDocument,
  invitationPage,
  groupDocument,
  groupPage,
  groupMemberDocument,
  groupMemberPage,
  mailDocument,
  mailPage,
  subscriptionsDocument,
  ipPool,
  portPool,
  rulePool,
  poolPage,
  allocation,
  allocationPage,
  reservation,
  explainedValue,
  routerDocument,
  routerList,
  routerTest,
  backupDocument,
  routerFile,
  routerFileList,
  driftDocument,
  driftPolicies,
  syncResult,
  commitDocument,
  commitPage,
  commitDetail,
  configAtDocument,
  configDiff,
  explainedLines,
  limitsDocument,
  usageDocument,
  blockDocument,
  blockPage,
  tokensDocument,
  sessionDocument,
  sessionList,
  signingKeyDocument,
  signingKeyList,
  keySetDocument,
  accountDocument,
  publicProfileDocument,
  auditEntry,
  auditPage,
  auditHeads,
  auditKey,
  identityProviderDocument,
  identityProviderList,
  signInProviderList,
  startedSignIn,
  identityDocument,
  identityList,
];

/** Collects the routes that are registered afterwards into an OpenAPI 3.1 document. */
export async function registerOpenApi(app: App): Promise<void> {
  for (const document of documents) app.addSchema(document);
  await app.register(swagger, {
    transform: ({ schema, url }) => ({ schema: withCommonProblems(schema), url }),
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Berth',
        version: pkg.version,
        description:
          'Gives every VM its berth on a VyOS router: a static DHCP mapping and its forwarded ports, as one transaction.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      tags: [
        { name: 'VMs', description: 'Provision, look at, change and decommission.' },
        { name: 'Forwards', description: 'Forwards of VMs in detail, and their template.' },
        { name: 'Ports', description: 'Forwards of VMs by name.' },
        { name: 'Pools', description: 'What VMs get their values from.' },
        { name: 'Bulks', description: 'Many VMs in one request.' },
        { name: 'Plans', description: 'What a write would do, approved before it is done.' },
        { name: 'Routers', description: 'Where VMs have their lines.' },
        { name: 'Drift', description: 'What others changed on routers, and what is done about it.' },
        { name: 'History', description: 'What stood on routers, when and why.' },
        { name: 'Operations', description: 'What became of a request.' },
        { name: 'Account', description: 'What is one’s own.' },
        { name: 'API keys', description: 'Who may do what.' },
        { name: 'Mails', description: 'What was mailed, and what waits.' },
        { name: 'Limits', description: 'Rates and quotas, what was used of them, and who is kept out.' },
        { name: 'Sign-in', description: 'Accounts, tokens for a password or with a provider, and their end.' },
        { name: 'Public keys', description: 'What access tokens are verified with.' },
        { name: 'Signing keys', description: 'What access tokens are signed with.' },
        { name: 'Audit log', description: 'Who did what, and proof that nothing of it was changed.' },
        { name: 'Users', description: 'Who may sign in, bans and invitations.' },
        { name: 'Groups', description: 'What users may do together.' },
        { name: 'Identity providers', description: 'With whom people may sign in.' },
        { name: 'Health', description: 'How it is.' },
      ],
      components: {
        securitySchemes: {
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
          bearer: { type: 'http', scheme: 'bearer', description: 'An access token or an API key.' },
        },
      },
      security: [{ apiKey: [] }, { bearer: [] }],
    },
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) =>
        typeof json['$id'] === 'string' ? json['$id'] : `def-${index}`,
    },
  });
}

/** Adds the problems that are answered before a route has its say: each may meet them, so no route lists them all. */
function withCommonProblems(schema: FastifySchema | undefined): FastifySchema {
  const { body, params, querystring, response } = schema ?? {};
  const common = {
    ...problems(403, 429, 500, 503),
    ...((body ?? params) !== undefined && problems(400)),
    ...((body ?? params ?? querystring) !== undefined && problems(422)),
  };
  return { ...schema, response: { ...common, ...Object(response) } };
}

/** Serves the document. It is written once: anybody may ask for it as often as they like, and writing it takes longer than most requests. */
export function openApiRoutes(app: App): void {
  let written: { readonly body: Buffer; readonly tag: string } | undefined;
  const write = () => {
    const text = JSON.stringify(app.swagger()); // all routes are there by the first request
    return { body: Buffer.from(text), tag: `"${digestOf(text)}"` };
  };
  for (const url of ['/openapi.json', '/v1/openapi.json']) {
    app.get(url, { schema: { hide: true }, config: { open: true, endpointGroup: 'documents' } }, (request, reply) => {
      written ??= write();
      const { body, tag } = written;
      return sendWithTag(request, reply, tag, () => body);
    });
  }
}
