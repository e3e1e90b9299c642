import type { ExplainedLine, ExplainLinesResponse, LineOrigin, Principal, Vm } from '@berth/contracts';
import { isKind } from '@berth/errors';
import type { Static } from 'typebox';
import type { VmReader } from '../../../app/list-vms.ts';
import { FieldChecks, invalidRequest } from '../../../domain/field-checks.ts';
import { configLines } from '../../../domain/history/config-lines.ts';
import { parseRouterPath } from '../../../domain/history/router-path.ts';
import { parseIpv4 } from '../../../domain/ipv4.ts';
import { parseMacAddress } from '../../../domain/vms/mac-address.ts';
import { principalOf } from '../answer-command.ts';
import type { App } from '../app-types.ts';
import { problems } from '../problem-schemas.ts';
import { showTime } from '../show-time.ts';
import { machineIdOf } from '../vms/machine-id.ts';
import { type ExplainedLinesDocument, explainQuery, routerParams } from './history-schemas.ts';
import { type HistoryDeps, historyTags, readingRouters } from './router-commits.ts';
import { kindWords, showCauses, toCommands } from './show-commit.ts';

/** Tells whose a rule or mapping on a router is, and why it is there. */
export function explainLineRoutes(app: App, { history, vms }: HistoryDeps): void {
  const schema = {
    operationId: 'explainRouterLines',
    summary: 'Explain lines on a router',
    description:
      'Whose a rule, a mapping or another place is: VM, forward, requests, users, traces, and the commits that put it there and changed it last. Several values narrow it down. Keys of a group see the lines of its VMs alone.',
    tags: historyTags,
    params: routerParams,
    querystring: explainQuery,
    response: { 200: { $ref: 'ExplainedLines#' }, ...problems(401, 403, 404, 422, 429, 500, 503) } as unknown,
  };
  app.get('/v1/routers/:router/explain', { schema, config: readingRouters }, async (request, reply) => {
    const { router } = request.params;
    const principal = principalOf(request);
    const found = await explain({ history, vms }, principal, router, request.query);
    const known = await vmsOf(vms, principal, found);
    return reply.send(showExplained(router, found, known));
  });
}

type Query = Static<typeof explainQuery>;

async function explain(
  { history, vms }: Pick<HistoryDeps, 'history' | 'vms'>,
  principal: Principal,
  router: string,
  query: Query,
): Promise<Pick<ExplainLinesResponse, 'lines' | 'lookedAt'>> {
  if (query.vm === undefined && query.forward === undefined) {
    return history.explain({ principal, router, ...toQuestion(query) });
  }
  const vm = await vms.get(principal, vmAsked(query));
  if (vm.router !== router) throw invalidRequest([{ field: 'vm', message: `is on the router ${vm.router}` }]);
  const answers = await Promise.all(
    questionsAbout(vm, query.forward).map((question) => history.explain({ principal, router, ...question })),
  );
  const lines = answers.flatMap((answer) => answer.lines).filter(({ resourceId }) => resourceId === vm.id);
  const lookedAt = answers[0]?.lookedAt;
  return { lines, ...(lookedAt && { lookedAt }) };
}

/** The VM that is asked about, with nothing beside it but a forward. */
function vmAsked({ vm, forward: _, ...others }: Query): string {
  const checks = new FieldChecks();
  if (vm === undefined) checks.add('forward', 'goes with a vm');
  for (const name of Object.keys(others)) checks.add(name, 'does not go with a vm');
  checks.finish();
  return machineIdOf({ machine_id: vm ?? '' });
}

/** A VM's mapping and rules have its address; a forward's rules their numbers. */
function questionsAbout(vm: Vm, name: string | undefined) {
  if (name === undefined) return [{ address: vm.internalIp }];
  const forward = vm.forwards.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (forward === undefined) throw invalidRequest([{ field: 'forward', message: `is none of the VM ${vm.name}` }]);
  return forward.natRuleNumbers.map((ruleNumber) => ({ ruleNumber }));
}

/** Throws once, naming every field that is wrong. */
function toQuestion(query: Query) {
  const { path, rule, port, protocol, external_ip: externalIp, address, mapping, mac } = query;
  const checks = new FieldChecks();
  if (Object.keys(query).length === 0) checks.add('path', 'is required, or another value to look for');
  for (const [name, value] of Object.entries({ protocol, external_ip: externalIp })) {
    if (value !== undefined && port === undefined) checks.add(name, 'goes with a port');
  }
  if (externalIp !== undefined) checks.of('external_ip', () => parseIpv4(externalIp));
  if (address !== undefined) checks.of('address', () => parseIpv4(address));
  const words = path === undefined ? undefined : checks.of('path', () => parseRouterPath(path));
  const macAddress = mac === undefined ? undefined : checks.of('mac', () => parseMacAddress(mac));
  checks.finish();
  return {
    ...(words && { path: words }),
    ...(rule && { ruleNumber: rule }),
    ...(port && { port }),
    ...(protocol && { protocol }),
    ...(externalIp && { externalIp }),
    ...(address && { address }),
    ...(mapping && { mappingName: mapping }),
    ...(macAddress && { macAddress }),
  };
}

/** Those that still exist and that the caller may see. */
async function vmsOf(
  vms: VmReader,
  principal: Principal,
  { lines }: Pick<ExplainLinesResponse, 'lines'>,
): Promise<ReadonlyMap<string, Vm>> {
  const ids = [...new Set(lines.map(({ resourceId }) => resourceId))].filter((id) => id !== '');
  const found = await Promise.all(ids.map((id) => vmOrNone(vms, principal, id)));
  return new Map(found.flatMap((vm) => (vm === undefined ? [] : [[vm.id, vm] as const])));
}

async function vmOrNone(vms: VmReader, principal: Principal, id: string): Promise<Vm | undefined> {
  try {
    return await vms.get(principal, id);
  } catch (error) {
    if (isKind(error, 'not_found') || isKind(error, 'forbidden')) return undefined;
    throw error;
  }
}

function showExplained(
  router: string,
  { lines, lookedAt }: Pick<ExplainLinesResponse, 'lines' | 'lookedAt'>,
  vms: ReadonlyMap<string, Vm>,
): ExplainedLinesDocument {
  const owners = new Set(lines.map(ownerOf));
  const [owner = 'nobody'] = owners;
  return {
    router,
    owner: owners.size > 1 ? 'both' : owner,
    looked_at: lookedAt ? showTime(lookedAt) : null,
    lines: lines.map((line) => {
      const vm = vms.get(line.resourceId);
      const forward = vm?.forwards.find(({ natRuleNumbers }) => natRuleNumbers.includes(line.ruleNumber));
      return {
        path: line.path.join(' '),
        owner: ownerOf(line),
        vm: line.resourceId === '' ? null : { id: line.resourceId, name: vm?.name ?? null },
        forward: forward?.name ?? null,
        standing: configLines(toCommands(line.standing)),
        // Nobody told Berth what others want there.
        expected: line.resourceId === '' ? null : configLines(toCommands(line.expected)),
        as_expected: line.resourceId === '' ? null : line.asExpected,
        put: showOrigin(line.put),
        changed: showOrigin(line.changed),
      };
    }),
  };
}

const ownerOf = ({ resourceId }: ExplainedLine): 'berth' | 'foreign' => (resourceId === '' ? 'foreign' : 'berth');

const showOrigin = (origin: LineOrigin | undefined) => ({
  commit_id: origin?.commitId ?? '',
  commit_number: Number(origin?.commitNumber ?? 0),
  kind: kindWords[origin?.kind ?? 0],
  at: showTime(origin?.at),
  causes: showCauses(origin?.causes ?? []),
});
