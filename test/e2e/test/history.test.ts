import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '@berth/testing';
import { sharedBerth } from '../src/index.ts';

const router = '/v1/routers/default';
const shared = sharedBerth({
  env: { BERTH_DRIVER_DRIFT_EVERY_MS: '300', BERTH_DRIVER_PROBE_EVERY_MS: '100' },
});

/** What a person would have to type for this rule. */
const byHand = ['description by-hand', 'inbound-interface name eth0', 'translation address 10.10.0.77'].map((rest) => ({
  op: 'set',
  path: `nat destination rule 77 ${rest}`.split(' '),
}));

test('what stood at each moment, what differs, and why, from the REST API alone', async () => {
  const { api, router: device } = await shared();
  const first = await api.provision({ vm_name: 'web-1' }, { headers: { 'x-request-id': 'first-request' } });
  assert.equal(first.status, 201);
  const then = new Date().toISOString();
  await new Promise((resolve) => setTimeout(resolve, 5)); // the next commit ends in a later millisecond
  const second = await api.provision({ vm_name: 'web-2' });
  assert.equal(second.status, 201);
  const [firstId, secondId] = await Promise.all(
    ['web-1', 'web-2'].map(async (name) => (await api.get(`/v1/vms/${name}`)).body.id),
  );
  await device.person({ commands: byHand, save: true });
  const foreign = await eventually(async () => {
    const { body } = await api.get(`${router}/commits?kind=foreign`);
    return body.items[0];
  });
  assert.equal((await api.decommission(second.body.machine_id)).status, 200);

  const { body: page } = await api.get(`${router}/commits?limit=2`);
  assert.equal(page.items.length, 2);
  const { body: rest } = await api.get(`${router}/commits?cursor=${page.next_cursor}`);
  const all = [...page.items, ...rest.items];
  assert.deepEqual(
    all.map(({ kind }: { kind: string }) => kind),
    ['change', 'foreign', 'change', 'change', 'baseline'],
  );
  const { body: looks } = await api.get(
    `${router}/commits?kind=foreign,baseline&since=2001-01-01T00:00:00Z&until=${then}`,
  );
  assert.deepEqual(
    looks.items.map(({ kind }: { kind: string }) => kind),
    ['baseline'],
  );
  const ofVm = await api.get(`${router}/commits?vm=web-1`);
  assert.deepEqual(
    ofVm.body.items.map(({ number }: { number: number }) => number),
    [2],
  );
  const removed = await api.get(`${router}/commits?vm=${secondId}&state=applied`);
  assert.deepEqual(
    removed.body.items.map(({ number }: { number: number }) => number),
    [5, 3],
  );

  const linesAt = async (at: string | number, part = 'all'): Promise<string[]> =>
    (await api.get(`${router}/config?at=${at}&format=lines&part=${part}`)).body.lines;
  assert.deepEqual(await linesAt(then), await linesAt(2));
  assert.ok((await linesAt(2)).some((line) => line.includes('static-mapping web-1')));
  assert.ok(!(await linesAt(2)).some((line) => line.includes('web-2')));
  assert.ok((await linesAt(3)).some((line) => line.includes('web-2')));
  assert.ok(!(await linesAt(3)).some((line) => line.includes('rule 77')));
  assert.ok((await linesAt(5)).some((line) => line.includes('rule 77')));
  assert.ok(!(await linesAt(5, 'owned')).some((line) => line.includes('rule 77')));
  assert.deepEqual(await linesAt(5, 'owned'), await linesAt(2, 'owned'));

  const diff = await api.get(`${router}/diff?from=2&to=5`);
  assert.ok(diff.body.lines.every((line: string) => line.startsWith('set nat destination rule 77')));
  const one = await api.get(`${router}/commits/2`);
  assert.equal(one.body.by_resource[0].vm_id, firstId);
  assert.equal(one.body.by_resource[0].causes[0].request_id, 'first-request');
  assert.deepEqual(one.body.changes.lines.sort(), one.body.sent.lines.sort());
  assert.ok(one.body.inverse.lines.every((line: string) => line.startsWith('delete ')));
  assert.ok(one.body.by_resource[0].after.nat.destination.rule);

  const rule = first.body.nat_rule_base;
  const why = await api.get(`${router}/explain?rule=${rule}`);
  assert.equal(why.body.owner, 'berth');
  const [line] = why.body.lines;
  assert.deepEqual(line.vm, { id: firstId, name: 'web-1' });
  assert.equal(line.forward, 'ssh');
  assert.equal(line.as_expected, true);
  assert.equal(line.put.commit_number, 2);
  assert.equal(line.put.causes[0].request_id, 'first-request');
  assert.ok(line.put.causes[0].operation_id);
  const port = await api.get(`${router}/explain?port=${first.body.external_ports.ssh}&protocol=tcp`);
  assert.deepEqual(port.body.lines, why.body.lines);
  const address = await api.get(`${router}/explain?address=${first.body.internal_ip}`);
  assert.equal(address.body.lines.length, 4);
  assert.equal((await api.get(`${router}/explain?mapping=WEB-1`)).body.lines.length, 1);
  assert.equal((await api.get(`${router}/explain?mac=${first.body.mac_address}`)).body.lines.length, 1);
  const theirs = await api.get(`${router}/explain?path=nat destination rule 77`);
  assert.deepEqual([theirs.body.lines[0].expected, theirs.body.lines[0].as_expected], [null, null]);
  assert.equal(theirs.body.owner, 'foreign');
  assert.equal(theirs.body.lines[0].put.commit_number, foreign.number);
  assert.equal((await api.get(`${router}/explain?rule=9999`)).body.owner, 'nobody');
});

test('what is not known, and what is no question, is said', async () => {
  const { api } = await shared();
  const expected = [
    ['/v1/routers/nowhere/commits', 404, 'ROUTER_UNKNOWN'],
    ['/v1/routers/nowhere/explain?rule=1', 404, 'ROUTER_UNKNOWN'],
    [`${router}/commits/999`, 404, 'COMMIT_UNKNOWN'],
    [`${router}/config?at=2001-01-01T00:00:00Z`, 404, 'HISTORY_NOT_KEPT'],
    [`${router}/config?at=yesterday`, 422, 'INVALID_REQUEST'],
    [`${router}/explain`, 422, 'INVALID_REQUEST'],
    [`${router}/explain?protocol=tcp`, 422, 'INVALID_REQUEST'],
    [`${router}/commits?unknown=1`, 422, 'INVALID_REQUEST'],
    [`${router}/commits?cursor=x`, 422, 'PAGE_TOKEN_INVALID'],
  ] as const;
  for (const [path, status, code] of expected) {
    const answer = await api.get(path);
    assert.deepEqual([answer.status, answer.body.code], [status, code], path);
  }
});
