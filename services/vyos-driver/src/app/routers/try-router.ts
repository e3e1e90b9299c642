import { DomainError } from '@berth/errors';
import {
  keyProblems,
  normalFingerprint,
  problemsOf,
  type RouterTerms,
  sameDevice,
} from '../../domain/routers/router-settings.ts';
import { routerUnknown } from '../../domain/routers/router-unknown.ts';
import { type BorrowDeps, borrowRouter } from './borrow-router.ts';
import { knownAs, type RouterAdminDeps } from './router-admin.ts';
import type { RegisteredRouter, RouterRegistry } from './router-registry.ts';
import { type RouterCheck, type RouterTest, type TestedRouter, testRouter } from './test-router.ts';

export interface TestDeps {
  readonly registry: RouterRegistry;
  readonly borrowing: BorrowDeps;
  /** Undefined when it is in another replica's environment. Throws `conflict` ROUTER_KEY_UNREADABLE. */
  readonly keyOf: (router: RegisteredRouter) => string | undefined;
  /** Opens a connection for the length of `use`. */
  readonly tried: (
    terms: RouterTerms,
    key: string,
    call: TestedRouter['call'],
    use: (tested: TestedRouter) => Promise<RouterTest>,
  ) => Promise<RouterTest>;
}

/** Each request of a test. */
const callMs = 15_000;

/** Tries a registered router, while its worker keeps still. */
export async function tryRegistered(deps: TestDeps, name: string): Promise<RouterTest> {
  const router = (await deps.registry.all()).find((one) => one.name === name);
  if (router === undefined) throw routerUnknown(name);
  const key = deps.keyOf(router);
  if (key === undefined) {
    throw new DomainError('conflict', 'ROUTER_KEY_UNREADABLE', 'Its API key is in the environment of another replica.');
  }
  return borrowRouter(deps.borrowing, name, (mayStillSend) =>
    deps.tried(router.terms, key, { timeoutMs: callMs, mayStillSend }, testRouter),
  );
}

/** Tries settings that are not registered. Where they lead to a registered router, its worker keeps still meanwhile. */
export async function trySettings(
  deps: TestDeps,
  { terms: given, key }: { readonly terms: RouterTerms; readonly key: string },
  { isCertificate }: Pick<RouterAdminDeps, 'isCertificate'>,
): Promise<RouterTest> {
  const fields = [...problemsOf(given, isCertificate), ...keyProblems(key)];
  if (fields.length > 0) {
    throw new DomainError('invalid', 'INVALID_REQUEST', 'Some fields of the request are not valid; see errors.', {
      fields,
    });
  }
  const terms = { ...given, fingerprint: normalFingerprint(given.fingerprint) };
  const routers = await deps.registry.all();
  const same = routers.find((one) => sameDevice(one.terms, { ...terms, fingerprint: '' }));
  const test = (mayStillSend: () => boolean) => deps.tried(terms, key, { timeoutMs: callMs, mayStillSend }, testRouter);
  const found = await (same === undefined ? test(() => true) : borrowRouter(deps.borrowing, same.name, test));
  const shown = { ...terms, fingerprint: found.certificate?.fingerprint ?? terms.fingerprint };
  const known = routers.find((one) => sameDevice(one.terms, shown));
  return known === undefined ? found : { ...found, checks: found.checks.map((one) => failedAs(known.name, one)) };
}

/** It could not be added, whatever else is right. */
const failedAs = (name: string, check: RouterCheck): RouterCheck =>
  check.name === 'connection' && check.result === 'ok' ? { ...check, result: 'failed', message: knownAs(name) } : check;
