// Who gets what on which route. A new route needs one line below, under "routes"; a new verb one line under "outcomes".

/**
 * Who asks. Nobody (`none`); API keys that may nothing at all (`nothing`) or what the levels and built-in groups `viewer`, `operator` and `admin`
 * may; a signed-in user who may do everything with what belongs to the group `elsewhere`, and nothing with anything else (`other`), asking for
 * things of another group; and admins with an access token or a key that was good: `expired`, `revoked`, or of a `banned` user.
 */
export const actors = [
  'none',
  'nothing',
  'viewer',
  'operator',
  'admin',
  'other',
  'expired',
  'revoked',
  'banned',
] as const;

/**
 * What each gets, by what the route needs: `ok` is let through by the gateway. `404s` and `403s` are let through too, and the service says that:
 * there is no such thing, or it takes the permission for all groups. Services prove it in tests of their own (`who-may.test.ts`).
 */
const outcomes = `
                          none nothing viewer operator admin other expired revoked banned
open                      ok   ok      ok     ok       ok    ok    ok      ok      ok
user                      401  403     403    403      403   ok    401     401     401
vms:read                  401  403     ok     ok       ok    404s  401     401     401
vms:write                 401  403     403    ok       ok    404s  401     401     401
pools:read                401  403     ok     ok       ok    404s  401     401     401
pools:write               401  403     403    403      ok    404s  401     401     401
operations:read           401  403     ok     ok       ok    404s  401     401     401
routers:read              401  403     ok     ok       ok    403s  401     401     401
routers:admin             401  403     403    403      ok    403   401     401     401
api-keys:admin            401  403     403    403      ok    403   401     401     401
users:read                401  403     403    403      ok    403   401     401     401
users:admin               401  403     403    403      ok    403   401     401     401
groups:admin              401  403     403    403      ok    403   401     401     401
identity-providers:admin  401  403     403    403      ok    403   401     401     401
signing-keys:admin        401  403     403    403      ok    403   401     401     401
limits:admin              401  403     403    403      ok    403   401     401     401
audit:read                401  403     403    403      ok    403   401     401     401
mails:admin               401  403     403    403      ok    403   401     401     401
`;

/** Method, path, what it needs; and what `other` gets where that is not what the verb says: `ok` for lists and what is made new. */
const routes = `
GET    /                                                         open
GET    /openapi.json                                             open
GET    /v1/openapi.json                                          open
GET    /v1/health                                                open
POST   /v1/auth/register                                         open
POST   /v1/auth/verify-email                                     open
POST   /v1/auth/resend-verification                              open
POST   /v1/auth/forgot-password                                  open
POST   /v1/auth/reset-password                                   open
POST   /v1/auth/confirm-email                                    open
POST   /v1/auth/token                                            open
POST   /v1/auth/jwt                                              open
POST   /v1/auth/refresh                                          open
POST   /v1/auth/logout                                           open
GET    /.well-known/jwks.json                                    open
POST   /v1/auth/accept-invitation                                open
GET    /v1/auth/providers                                        open
POST   /v1/auth/providers/:provider/start                        open
POST   /v1/auth/providers/:provider/callback                     open

GET    /v1/vms                                                   vms:read         other=ok
GET    /v1/vms/:machine_id                                       vms:read
GET    /v1/vms/:machine_id/forwards                              vms:read
GET    /v1/vms/:machine_id/forwards/:forward_name                vms:read
GET    /v1/vms/:machine_id/ports/status                          vms:read
GET    /v1/status/vms/:machine_id/ports                          vms:read
GET    /v1/ports/status                                          vms:read         other=ok
GET    /v1/status/ports                                          vms:read         other=ok
GET    /v1/forward-template                                      vms:read         other=ok
GET    /v1/plans                                                 vms:read         other=ok
GET    /v1/plans/:plan_id                                        vms:read

POST   /v1/vms/provision                                         vms:write        other=ok
POST   /v1/provision                                             vms:write        other=ok
PATCH  /v1/vms/:machine_id                                       vms:write
DELETE /v1/vms/:machine_id/decommission                          vms:write
POST   /v1/vms/:machine_id/forwards                              vms:write
PATCH  /v1/vms/:machine_id/forwards                              vms:write
PATCH  /v1/vms/:machine_id/forwards/:forward_name                vms:write
DELETE /v1/vms/:machine_id/forwards/:forward_name                vms:write
POST   /v1/vms/:machine_id/ports/template                        vms:write
POST   /v1/vms/:machine_id/ports/:port_name                      vms:write
POST   /v1/vms/bulk-provision                                    vms:write        other=ok
POST   /v1/vms/bulk-decommission                                 vms:write        other=ok
POST   /v1/plans                                                 vms:write        other=ok
POST   /v1/plans/:plan_id/apply                                  vms:write
DELETE /v1/plans/:plan_id                                        vms:write
POST   /v1/operations/:id/cancel                                 vms:write

GET    /v1/operations                                            operations:read  other=ok
GET    /v1/operations/:id                                        operations:read
GET    /v1/bulks/:id                                             operations:read
GET    /v1/bulks/:id/items                                       operations:read

GET    /v1/pools                                                 pools:read       other=ok
GET    /v1/pools/explain                                         pools:read       other=ok
GET    /v1/pools/{kind}                                          pools:read       other=ok
GET    /v1/pools/{kind}/:pool                                    pools:read
GET    /v1/pools/{kind}/:pool/allocations                        pools:read
GET    /v1/pools/{kind}/:pool/reservations                       pools:read
GET    /v1/admin/{kind}                                          pools:read       other=ok
GET    /v1/admin/{kind}/:pool                                    pools:read

PUT    /v1/forward-template                                      pools:write      other=403s
POST   /v1/pools/{kind}                                          pools:write      other=ok
PATCH  /v1/pools/{kind}/:pool                                    pools:write
DELETE /v1/pools/{kind}/:pool                                    pools:write
POST   /v1/pools/{kind}/:pool/drain                              pools:write
POST   /v1/pools/{kind}/:pool/undrain                            pools:write
POST   /v1/pools/{kind}/:pool/reservations                       pools:write
DELETE /v1/pools/{kind}/:pool/reservations/:reservation_id       pools:write
POST   /v1/admin/{kind}                                          pools:write      other=ok
PATCH  /v1/admin/{kind}/:pool                                    pools:write
PUT    /v1/admin/{kind}/:pool                                    pools:write
DELETE /v1/admin/{kind}/:pool                                    pools:write

GET    /v1/routers                                               routers:read
GET    /v1/routers/:router                                       routers:read
GET    /v1/routers/:router/commits                               routers:read
GET    /v1/routers/:router/commits/:commit                       routers:read
GET    /v1/routers/:router/config                                routers:read
GET    /v1/routers/:router/diff                                  routers:read
GET    /v1/routers/:router/drift                                 routers:read
GET    /v1/routers/:router/drift/policies                        routers:read
GET    /v1/routers/:router/explain                               routers:read     other=404s
GET    /v1/routers/:router/files                                 routers:read

POST   /v1/routers                                               routers:admin
PATCH  /v1/routers/:router                                       routers:admin
DELETE /v1/routers/:router                                       routers:admin
POST   /v1/routers/test                                          routers:admin
POST   /v1/routers/:router/test                                  routers:admin
POST   /v1/routers/:router/disable                               routers:admin
POST   /v1/routers/:router/enable                                routers:admin
GET    /v1/routers/:router/adoptions/preview                     routers:admin
POST   /v1/routers/:router/adoptions                             routers:admin
GET    /v1/routers/:router/backup                                routers:admin
POST   /v1/routers/:router/restore                               routers:admin
POST   /v1/routers/:router/rollback                              routers:admin
POST   /v1/routers/:router/files                                 routers:admin
POST   /v1/routers/:router/drift/check                           routers:admin
PUT    /v1/routers/:router/drift/policies                        routers:admin
POST   /v1/admin/sync-vyos-config                                routers:admin

GET    /v1/admin/api-keys                                        api-keys:admin
POST   /v1/admin/api-keys                                        api-keys:admin
GET    /v1/admin/api-keys/:id                                    api-keys:admin
PATCH  /v1/admin/api-keys/:id                                    api-keys:admin
PUT    /v1/admin/api-keys/:id                                    api-keys:admin
DELETE /v1/admin/api-keys/:id                                    api-keys:admin
POST   /v1/admin/api-keys/:id/rotate                             api-keys:admin

GET    /v1/account/usage                                         user
GET    /v1/account                                               user
GET    /v1/users/:name                                           user
PATCH  /v1/account                                               user
POST   /v1/account/password                                      user
POST   /v1/account/email                                         user
DELETE /v1/account                                               user
GET    /v1/account/subscriptions                                 user
PUT    /v1/account/subscriptions                                 user
POST   /v1/account/api-keys                                      user
GET    /v1/account/api-keys                                      user
GET    /v1/account/api-keys/:id                                  user
PATCH  /v1/account/api-keys/:id                                  user
DELETE /v1/account/api-keys/:id                                  user
POST   /v1/account/api-keys/:id/rotate                           user
POST   /v1/auth/logout-everywhere                                user
GET    /v1/account/sessions                                      user
DELETE /v1/account/sessions/:id                                  user
DELETE /v1/account/sessions                                      user
GET    /v1/account/identities                                    user
POST   /v1/account/identities/:provider/start                    user
POST   /v1/account/identities/:provider/callback                 user
DELETE /v1/account/identities/:id                                user

GET    /v1/admin/users                                           users:read
GET    /v1/admin/users/:id                                       users:read
GET    /v1/admin/users/:id/bans                                  users:read
GET    /v1/admin/invitations                                     users:read

GET    /v1/admin/users/:id/sessions                              users:admin
DELETE /v1/admin/users/:id/sessions                              users:admin
POST   /v1/admin/users                                           users:admin
PATCH  /v1/admin/users/:id                                       users:admin
DELETE /v1/admin/users/:id                                       users:admin
POST   /v1/admin/users/:id/ban                                   users:admin
POST   /v1/admin/users/:id/unban                                 users:admin
POST   /v1/admin/invitations                                     users:admin
DELETE /v1/admin/invitations/:id                                 users:admin

GET    /v1/admin/groups                                          groups:admin
GET    /v1/admin/groups/:name                                    groups:admin
POST   /v1/admin/groups                                          groups:admin
PATCH  /v1/admin/groups/:name                                    groups:admin
DELETE /v1/admin/groups/:name                                    groups:admin
GET    /v1/admin/groups/:name/members                            groups:admin
POST   /v1/admin/groups/:name/members                            groups:admin
DELETE /v1/admin/groups/:name/members/:user_id                   groups:admin

GET    /v1/admin/identity-providers                              identity-providers:admin
GET    /v1/admin/identity-providers/:name                        identity-providers:admin
POST   /v1/admin/identity-providers                              identity-providers:admin
PATCH  /v1/admin/identity-providers/:name                        identity-providers:admin
DELETE /v1/admin/identity-providers/:name                        identity-providers:admin

GET    /v1/admin/signing-keys                                    signing-keys:admin
POST   /v1/admin/signing-keys/rotate                             signing-keys:admin
DELETE /v1/admin/signing-keys/:id                                signing-keys:admin

GET    /v1/admin/limits                                          limits:admin
PUT    /v1/admin/limits                                          limits:admin
GET    /v1/admin/usage                                           limits:admin
GET    /v1/admin/blocks                                          limits:admin
POST   /v1/admin/blocks                                          limits:admin
DELETE /v1/admin/blocks/:subject                                 limits:admin

GET    /v1/admin/audit                                           audit:read
GET    /v1/admin/audit/export                                    audit:read
GET    /v1/admin/audit/heads                                     audit:read
POST   /v1/admin/audit/keys/rotate                               signing-keys:admin

GET    /v1/admin/mails                                           mails:admin
POST   /v1/admin/mails/:id/retry                                 mails:admin
POST   /v1/admin/mails/test                                      mails:admin
`;

export type Actor = (typeof actors)[number];
export type Outcome = 'ok' | '401' | '403' | '403s' | '404s';

export interface RouteRow {
  readonly method: string;
  readonly path: string;
  readonly access: string;
  readonly outcomes: Readonly<Record<Actor, Outcome>>;
}

const linesOf = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => line.trim().split(/\s+/));

const [columns = [], ...byAccess] = linesOf(outcomes);
const outcomesOf = new Map(
  byAccess.map(([access = '', ...cells]) => [access, Object.fromEntries(columns.map((one, at) => [one, cells[at]]))]),
);

/** `{kind}` stands for each kind of pools. */
const kindsIn = (path: string): string[] =>
  path.includes('{kind}')
    ? ['ip-pools', 'port-pools', 'rule-pools'].map((kind) => path.replace('{kind}', kind))
    : [path];

/** Every route with what each actor gets on it. */
export const routeRows: readonly RouteRow[] = linesOf(routes).flatMap(
  ([method = '', pattern = '', access = '', note]) => {
    const own = outcomesOf.get(access);
    if (own === undefined) throw new Error(`${pattern} needs ${access}, of which no line of "outcomes" tells`);
    const outcomes = { ...own, ...(note && Object.fromEntries([note.split('=')])) } as RouteRow['outcomes'];
    return kindsIn(pattern).map((path) => ({ method, path, access, outcomes }));
  },
);
