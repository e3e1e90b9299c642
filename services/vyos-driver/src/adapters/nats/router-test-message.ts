import { CheckResult, type TestRouterResponseSchema } from '@berth/contracts';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { RouterCheck, RouterTest } from '../../app/routers/test-router.ts';
import { profileOnWire } from '../postgres/router-messages.ts';

const results: Record<RouterCheck['result'], CheckResult> = {
  ok: CheckResult.OK,
  warning: CheckResult.WARNING,
  failed: CheckResult.FAILED,
};

export function testMessage(test: RouterTest): MessageInitShape<typeof TestRouterResponseSchema> {
  const { checks, certificate, version = '', profile } = test;
  return {
    checks: checks.map(({ name, result, message }) => ({ name, result: results[result], message })),
    version,
    ...(certificate && {
      certificate: {
        fingerprint: certificate.fingerprint,
        subject: certificate.subject,
        expiresAt: timestampFromDate(certificate.expiresAt),
      },
    }),
    ...(profile && { profile: profileOnWire(profile) }),
  };
}
