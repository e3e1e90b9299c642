import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type AcceptDriftRequest, CommitKind, DriftAcceptanceService, DriftState } from '@berth/contracts';
import { DomainError } from '@berth/errors';
import { serve } from '@berth/messaging';
import { eventually } from '@berth/testing';
import { changeFor, fragmentFor } from '../support/changes.ts';
import { ACCEPT, type DriftWorld, driftWorld, REPORT } from '../support/drift-world.ts';
import { isApplied, mappingOf, ruleOf } from '../support/driver-world.ts';
import { historyOf } from '../support/history-world.ts';

const onDemand = { times: { driftEveryMs: 3_600_000, inventoryMaxAgeMs: 3_600_000 } };

/** Plays the allocator: hears offers and answers them by `answer`. */
function allocator(t: TestContext, world: DriftWorld, answer: (offer: AcceptDriftRequest) => void = () => {}) {
  const offers: AcceptDriftRequest[] = [];
  const stop = serve(world.bus, DriftAcceptanceService.method.acceptDrift, async (offer) => {
    offers.push(offer);
    answer(offer);
    return { operationId: offer.context?.operationId ?? '' };
  });
  t.after(stop);
  return offers;
}

test('what shall be accepted is offered once, and accepted when it is what is wanted, without a request to the router', async (t) => {
  const world = await driftWorld(t, onDemand);
  const offers = allocator(t, world);
  await world.start();
  await world.setPolicies(['nat', ACCEPT]);
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  await world.router.person({ commands: ['set nat destination rule 10010 disable'] });
  await world.check();
  const [offer] = await eventually(() => (offers.length > 0 ? offers : undefined));
  assert.equal(offer?.resourceId, 'vm-1');
  assert.equal(offer?.revision?.number, 1n);
  assert.deepEqual(
    offer?.rules.map(({ number, deleted, disabled, description }) => ({ number, deleted, disabled, description })),
    [{ number: 10_010, deleted: false, disabled: true, description: 'vm-1 0' }],
  );
  await world.openItems(([item]) => item?.note.includes(offer?.context?.operationId ?? '-') === true);
  const { commits } = world.router.counters();
  const [rule] = fragmentFor(1).rules;
  assert.ok(rule);
  await world.send(changeFor(1, { number: 2n, desired: { ...fragmentFor(1), rules: [{ ...rule, disabled: true }] } }));
  await eventually(() => world.settled.length === 2 && world.settled.every(isApplied));
  const { items } = await world.drift(true);
  assert.deepEqual(
    items.map(({ state }) => state),
    [DriftState.ACCEPTED],
  );
  assert.equal(world.router.counters().commits, commits);
  const [accepted] = await historyOf(world.bus).ofKinds(CommitKind.ACCEPTED);
  assert.deepEqual([accepted?.resourceCount, accepted?.operations, accepted?.principals], [1, 0, ['ann']]);
  const { lines } = await historyOf(world.bus).explain({ ruleNumber: 10_010 });
  assert.deepEqual(
    lines.map(({ put, changed }) => [put?.kind, changed?.commitId]),
    [[CommitKind.CHANGE, accepted?.id]],
  );
  await eventually(() => world.kinds().includes('cleared'));
  assert.deepEqual(world.kinds(), ['detected', 'accepted', 'cleared']);
  assert.equal((await world.check()).report?.updated, 0);
  assert.equal(offers.length, 1);
});

test('what cannot be accepted is reported with the reason, and offered again when something else is found', async (t) => {
  const world = await driftWorld(t, onDemand);
  const offers = allocator(t, world, () => {
    throw new DomainError('conflict', 'DRIFT_NOT_ACCEPTABLE', 'It is two rules.');
  });
  await world.start();
  await world.setPolicies(['', ACCEPT]);
  await world.send(changeFor(1), changeFor(2), changeFor(3));
  await world.verdicts('vm-1', 'vm-2', 'vm-3');
  const mapping = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16 static-mapping';
  await world.router.person({
    commands: [
      'set nat destination rule 10010 disable',
      'set nat destination rule 10020 translation port 2222',
      `delete ${mapping} vm-3`,
    ],
  });
  await world.check();
  const noted = await world.openItems((items) => items.length === 3 && items.every(({ note }) => note !== ''));
  const noteOf = (id: string) => noted.find(({ resourceId }) => resourceId === id)?.note;
  assert.match(noteOf('vm-1') ?? '', /two rules/);
  assert.match(noteOf('vm-2') ?? '', /More than/);
  assert.match(noteOf('vm-3') ?? '', /static mapping/);
  assert.equal(offers.length, 1);
  await world.check();
  await world.router.person({ commands: ['set nat destination rule 10010 description other'] });
  await world.check();
  await eventually(() => offers.length === 2);
  assert.notEqual(offers[0]?.context?.operationId, offers[1]?.context?.operationId);
  assert.equal(mappingOf(world.router, 3), undefined, 'reported, not undone');
});

test('a line is not accepted while another one of its VM is only reported: that one would be undone with it', async (t) => {
  const world = await driftWorld(t, onDemand);
  const offers = allocator(t, world);
  await world.start();
  await world.setPolicies(['nat', ACCEPT], ['service', REPORT]);
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const mapping = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16 static-mapping vm-1';
  await world.router.person({ commands: ['set nat destination rule 10010 disable', `delete ${mapping}`] });
  await world.check();
  await world.openItems((items) => items.some(({ note }) => note.includes('another line')));
  assert.equal(offers.length, 0);
  assert.equal(mappingOf(world.router, 1), undefined);
});

test('a deleted rule that another line of its VM keeps from being accepted says which one that is', async (t) => {
  const world = await driftWorld(t, onDemand);
  await world.start();
  await world.setPolicies(['', ACCEPT]);
  await world.send(changeFor(1));
  await world.verdicts('vm-1');
  const mapping = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16 static-mapping vm-1';
  await world.router.person({ commands: ['delete nat destination rule 10010', `delete ${mapping}`] });
  await world.check();
  const items = await world.openItems((all) => all.length === 2 && all.every(({ note }) => note !== ''));
  const noteOf = (first: string) => items.find(({ path }) => path[0] === first)?.note ?? '';
  assert.match(noteOf('nat'), /another line of the VM cannot be: service .* vm-1\. A static mapping/);
  assert.match(noteOf('service'), /^A static mapping is not taken over/);
});

test('an allocator that is away is asked again, and a change that comes first wins', async (t) => {
  const world = await driftWorld(t, onDemand);
  await world.start();
  await world.setPolicies(['', ACCEPT]);
  await world.send(changeFor(1), changeFor(2));
  await world.verdicts('vm-1', 'vm-2');
  await world.router.person({
    commands: ['set nat destination rule 10010 disable', 'set nat destination rule 10020 disable'],
  });
  await world.check();
  await world.send(changeFor(1, { number: 2n, desired: fragmentFor(1, { description: 'new' }) }));
  await eventually(() => world.settled.length === 3);
  assert.equal(Object(ruleOf(world.router, 1))['disable'], undefined);
  const offers = allocator(t, world);
  await eventually(() => offers.length > 0);
  assert.deepEqual(
    offers.map(({ resourceId }) => resourceId),
    ['vm-2'],
  );
});
