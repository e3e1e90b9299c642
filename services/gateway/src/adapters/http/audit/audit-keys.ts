import { AuditService } from '@berth/contracts';
import type { AuthAsk } from '../../nats/auth-service.ts';
import { commandContext } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { keyedHeaders } from '../command-docs.ts';
import { emptyBody } from '../common-schemas.ts';
import { problems } from '../problem-schemas.ts';
import { showAuditKey } from './show-audit.ts';

/** The keys that sign heads of the audit log are listed beside the heads; here one is replaced. */
export function auditKeyRoutes(app: App, deps: { readonly auth: AuthAsk; readonly commandTimeoutMs: number }): void {
  const schema = {
    operationId: 'rotateAuditKey',
    summary: 'Sign the audit log with a new key',
    description:
      'From now on. The key before it vouches for it with its last signature, so whoever kept that one verifies on. Asked again within ten seconds the answer is the same key.',
    tags: ['Audit log'],
    headers: keyedHeaders,
    body: emptyBody,
    response: {
      201: { $ref: 'AuditKey#' },
      ...problems(400, 413, 415, 401, 403, 409, 422, 429, 500, 503, 504),
    } as unknown,
  };
  const config = { permission: 'signing-keys:admin', bodyOptional: true } as const;
  app.post('/v1/admin/audit/keys/rotate', { schema, config }, async (request, reply) => {
    const context = commandContext(request, new Date(Date.now() + deps.commandTimeoutMs));
    const { key } = await deps.auth.change(AuditService.method.rotateAuditKey, { context });
    return reply.code(201).send(key && showAuditKey(key));
  });
}
