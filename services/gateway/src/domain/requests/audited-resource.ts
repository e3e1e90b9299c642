import type { AuditResourceType } from '@berth/contracts';

/** What requests are about, in the words of the audit log, by the parts of their addresses; beside a parameter's name (`:provider`) its part is not asked. */
const types: Readonly<Record<string, AuditResourceType>> = {
  'accept-invitation': 'invitation',
  account: 'user',
  'api-keys': 'api_key',
  audit: 'audit_key',
  auth: 'session',
  blocks: 'block',
  'bulk-decommission': 'bulk',
  'bulk-provision': 'bulk',
  'confirm-email': 'user',
  'forgot-password': 'password_reset',
  'forward-template': 'forward_template',
  groups: 'group',
  identities: 'identity',
  'identity-providers': 'identity_provider',
  invitations: 'invitation',
  'ip-pools': 'pool',
  limits: 'limit',
  mails: 'mail',
  operations: 'operation',
  plans: 'plan',
  'port-pools': 'pool',
  ':provider': 'identity_provider',
  provision: 'vm',
  register: 'registration',
  'resend-verification': 'registration',
  'reset-password': 'password_reset',
  routers: 'router',
  'rule-pools': 'pool',
  sessions: 'session',
  'signing-keys': 'signing_key',
  'sync-vyos-config': 'router',
  users: 'user',
  'verify-email': 'registration',
  vms: 'vm',
};

/** A request as far as it says what it is about. */
export interface AskedResource {
  /** The route's address, `/v1/vms/:machine_id`. */
  readonly route: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** The answer's `Location`; empty: none. */
  readonly location: string;
  /** Of the VM in the answer; empty: none. */
  readonly machineId: string;
  /** The user who asks; empty: none. */
  readonly userId: string;
}

/** The type of what a route is about: the first thing that its address names by a parameter, else the last that it has a word for. */
export function resourceTypeOf(route: string): AuditResourceType | undefined {
  const parts = route.split('/');
  const parameter = parts.findIndex((part) => part.startsWith(':'));
  const named = parameter < 0 ? parts.toReversed() : [parts[parameter] ?? '', parts[parameter - 1] ?? ''];
  return named.map((part) => types[part]).find((type) => type !== undefined);
}

/** What a request was about: what its address names, else the new thing that its answer does, by the id that the API shows. */
export function resourceOf(asked: AskedResource): { readonly type: AuditResourceType | ''; readonly id: string } {
  const type = resourceTypeOf(asked.route) ?? '';
  const parts = asked.route.split('/');
  const parameter = parts.findIndex((part) => part.startsWith(':'));
  if (parameter < 0) return { type, id: newId(type, asked) };
  const id = String(asked.params[parts[parameter]?.slice(1) ?? ''] ?? '');
  return { type, id: type === 'pool' ? `${parts[parameter - 1]}/${id}` : id };
}

function newId(type: AuditResourceType | '', { route, location, machineId, userId }: AskedResource): string {
  if (route.startsWith('/v1/account') && type === 'user') return userId;
  const [kind, id = ''] = location.split('/').slice(-2);
  const isOperation = kind === 'operations' && type !== 'bulk'; // the operation of a bulk is the bulk
  if (id === '' || isOperation) return machineId;
  return type === 'pool' ? `${kind}/${id}` : id;
}
