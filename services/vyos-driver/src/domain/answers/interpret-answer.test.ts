import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type HttpAnswer,
  interpretConfigureAnswer,
  interpretConfirmAnswer,
  interpretReadAnswer,
  interpretSaveAnswer,
} from './interpret-answer.ts';

interface Recorded {
  readonly endpoint: string;
  readonly status: number;
  readonly body: string;
  readonly expect: Readonly<Record<string, unknown>>;
}

const recorded = JSON.parse(
  readFileSync(new URL('./fixtures/recorded-answers.json', import.meta.url), 'utf8'),
) as readonly Recorded[];

const interpreters: Readonly<Record<string, (answer: HttpAnswer) => object>> = {
  '/configure': interpretConfigureAnswer,
  '/retrieve': interpretReadAnswer,
  '/config-file': interpretSaveAnswer,
};

const response = (status: number, body: string): HttpAnswer => ({ kind: 'response', status, body });
const failure = (error: string): HttpAnswer => response(400, JSON.stringify({ success: false, error, data: null }));
const success = (data: unknown): HttpAnswer => response(200, JSON.stringify({ success: true, data, error: null }));
const page = (title: string) => `<html>\n<head><title>${title}</title></head>\n<body></body>\n</html>\n`;
const configure = (answer: HttpAnswer) => interpretConfigureAnswer(answer);

test('every answer that a real router was recorded to give is understood as it was meant', () => {
  assert.ok(recorded.length > 100);
  for (const { endpoint, status, body, expect } of recorded) {
    const outcome = interpreters[endpoint]?.(response(status, body)) ?? {};
    const told = Object.fromEntries(Object.entries(outcome).filter(([name]) => name !== 'text' && name !== 'warnings'));
    assert.deepEqual(told, expect, `${endpoint} ${status} ${body}`);
  }
});

test('the lock of another session, and the bare words after a refusal, ask for patience', () => {
  for (const text of [
    'Configuration system temporarily locked due to another commit in progress\n',
    'Configuration system temporarily locked due to another\ncommit in progress\n',
    'Set failed\n',
    'Delete failed\n',
  ]) {
    assert.equal(configure(failure(text)).kind, 'try_later', text);
  }
  assert.equal(interpretReadAnswer(failure('_show_diff error (both config NULL)\n')).kind, 'try_later');
  assert.equal(
    interpretSaveAnswer(failure('Configuration system temporarily locked due to another commit in progress\n')).kind,
    'try_later',
  );
});

test('a write whose answer does not tell is unclear, whatever stands in its place', () => {
  for (const answer of [
    response(
      500,
      '{"success": false, "error": "An internal error occured. Check the logs for details.", "data": null}',
    ),
    response(502, page('502 Bad Gateway')),
    response(503, page('503 Service Temporarily Unavailable')),
    response(504, page('504 Gateway Time-out')),
    response(200, page('Welcome')),
    response(200, ''),
    response(200, '{"success": tru'),
    response(200, 'null'),
    response(200, '{"error": "Start service in configuration mode: set service https api"}'),
    response(200, '{"success": false, "error": "what?", "data": null}'),
    response(400, page('400 Bad Request')),
    response(408, ''),
    success('Requested HTTP API server configuration change; commit will be called in the background'),
    success({ operation: { op_id: '5b1f', status: 'queued', result: null, error: null } }),
    { kind: 'no_answer', reason: 'socket hang up' } satisfies HttpAnswer,
  ]) {
    assert.equal(configure(answer).kind, 'unclear', JSON.stringify(answer));
  }
});

test('nothing was applied when the request was not looked at', () => {
  assert.equal(
    configure(response(422, '{"success": false, "error": "Valid API key is required", "data": null}')).kind,
    'forbidden',
  );
  assert.equal(
    configure(response(401, '{"success": false, "error": "Valid API key is required", "data": null}')).kind,
    'forbidden',
  );
  assert.equal(configure(response(403, page('403 Forbidden'))).kind, 'forbidden');
  assert.equal(configure(response(404, '{"detail":"Not Found"}')).kind, 'forbidden');
  assert.equal(configure(response(301, page('301 Moved Permanently'))).kind, 'forbidden');
  assert.equal(configure(response(413, page('413 Request Entity Too Large'))).kind, 'refused_operation');
  assert.deepEqual(configure({ kind: 'not_sent', reason: 'connection refused' }), {
    kind: 'not_sent',
    text: 'connection refused',
  });
  assert.deepEqual(configure({ kind: 'not_sent', reason: 'late', fenced: true }), {
    kind: 'not_sent',
    text: 'late',
    fenced: true,
  });
});

test('a success of any version is a success, and its remarks are kept', () => {
  assert.deepEqual(configure(success(null)), { kind: 'applied', warnings: '' });
  assert.deepEqual(configure(success('')), { kind: 'applied', warnings: '' });
  assert.deepEqual(
    configure(success('[ nat ]\n\nWARNING: Interface "eth9" for destination NAT rule "41" does not\nexist!\n\n\n')),
    {
      kind: 'applied',
      warnings: '[ nat ]\n\nWARNING: Interface "eth9" for destination NAT rule "41" does not\nexist!',
    },
  );
});

test('a name is found although the router wrapped it at a hyphen and escaped it', () => {
  const outcome = configure(
    failure(
      '[ service dhcp-server ]\nConfigured static lease address for mapping "a-very-long-name-of-a-\nmachine" is not within shared-network &lt;LAN&gt;!\n[[service dhcp-server]] failed\nCommit failed\n',
    ),
  );
  assert.ok(outcome.kind === 'refused_commit');
  assert.deepEqual(outcome.named, [{ kind: 'mapping', name: 'a-very-long-name-of-a-machine' }]);
  assert.match(outcome.text, /<LAN>/);
});

test('what only a remark names is not blamed, and what two components name is named twice', () => {
  const outcome = configure(
    failure(
      '[ nat ]\n\nWARNING: Interface "eth9" for destination NAT rule "41" does not\nexist!\n\nDestination NAT configuration error in rule 60: translation requires\naddress and/or port\n[[nat]] failed\n[ service dhcp-server ]\nConfigured IP address for static mapping "vm2" already exists on another\nstatic mapping\n[[service dhcp-server]] failed\nCommit failed\n',
    ),
  );
  assert.ok(outcome.kind === 'refused_commit');
  assert.deepEqual(outcome.components, ['nat', 'service dhcp-server']);
  assert.deepEqual(outcome.named, [
    { kind: 'rule', number: 60 },
    { kind: 'mapping', name: 'vm2', pair: true },
  ]);
});

test('a refused commit without reasons, as 1.4 and 1.3 answer, names nothing and tells its components', () => {
  assert.deepEqual(configure(failure('[[nat]] failed\nCommit failed\n')), {
    kind: 'refused_commit',
    text: '[[nat]] failed\nCommit failed',
    components: ['nat'],
    named: [],
  });
  assert.deepEqual(configure(failure('delete [ nat ] failed\nCommit failed\n')), {
    kind: 'refused_commit',
    text: 'delete [ nat ] failed\nCommit failed',
    components: ['nat'],
    named: [],
  });
});

test('an unknown refusal, or a traceback, may have left a part applied', () => {
  for (const text of [
    'Traceback (most recent call last):\n  File "/usr/libexec/vyos/conf_mode/nat.py"\nKeyError: 1\n',
    'who knows',
    '',
  ]) {
    assert.equal(configure(failure(text)).kind, 'refused_commit', text);
  }
});

test('other objects than ours are foreign: source rules, groups, ranges, other components', () => {
  for (const text of [
    '[ nat ]\nSource NAT configuration error in rule 100: translation requires\naddress and/or port\n[[nat]] failed\nCommit failed\n',
    '[ nat ]\nInvalid address-group "WEB" on nat rule\n[[nat]] failed\nCommit failed\n',
    '[ service dhcp-server ]\nDHCP range "0" start address not within shared-network "LAN,\n10.10.0.0/16"!\n[[service dhcp-server]] failed\nCommit failed\n',
    '[ interfaces ethernet eth0 ]\nwhatever\n[[interfaces ethernet eth0]] failed\nCommit failed\n',
    '[ nat ]\nDestination NAT configuration error in rule 007: translation requires\naddress and/or port\n[[nat]] failed\nCommit failed\n',
  ]) {
    const outcome = configure(failure(text));
    assert.ok(outcome.kind === 'refused_commit', text);
    assert.deepEqual([...new Set(outcome.named.map(({ kind }) => kind))], ['foreign'], text);
  }
});

test('reads tell nothing there, not a path, not now and not at home apart', () => {
  const read = interpretReadAnswer;
  assert.deepEqual(read(success(false)), { kind: 'value', data: false });
  assert.deepEqual(read(success(null)), { kind: 'value', data: null });
  assert.equal(read(failure('Configuration under specified path is empty\n')).kind, 'empty');
  assert.equal(read(failure('Specified configuration path is not valid\n')).kind, 'invalid_path');
  assert.equal(
    read(response(500, '{"success": false, "error": "An internal error occured.", "data": null}')).kind,
    'try_later',
  );
  assert.equal(read(response(502, page('502 Bad Gateway'))).kind, 'away');
  assert.equal(
    read(response(200, '{"error": "Start service in configuration mode: set service https api"}')).kind,
    'away',
  );
  assert.equal(read(response(200, '{"success": false, "error": "", "data": null}')).kind, 'away');
  assert.equal(read(response(401, '')).kind, 'forbidden');
  assert.equal(read({ kind: 'no_answer', reason: 'reset' }).kind, 'away');
  assert.deepEqual(read({ kind: 'not_sent', reason: 'late', fenced: true }), {
    kind: 'away',
    text: 'late',
    fenced: true,
  });
});

test('a commit that has to be confirmed says so, and what happens otherwise', () => {
  const initialized = (action: string) => `Initialized commit-confirm; 2 minutes to confirm before ${action}\n`;
  assert.deepEqual(configure(success(`\n${initialized('reload')}`)), {
    kind: 'applied',
    warnings: '',
    unconfirmed: 'reload',
  });
  assert.deepEqual(configure(success(`[ nat ]\n\nWARNING: look!\n\n\n\n${initialized('reboot')}`)), {
    kind: 'applied',
    warnings: '[ nat ]\n\nWARNING: look!',
    unconfirmed: 'reboot',
  });
  assert.deepEqual(configure(success('No changes to commit')), { kind: 'applied', warnings: '' });
});

test('while a commit of somebody else waits to be confirmed, ours waits too, and may stand meanwhile', () => {
  assert.deepEqual(configure(failure('Another confirm is pending\n')), {
    kind: 'try_later',
    text: 'Another confirm is pending',
    mayStand: true,
  });
});

test('a confirmation is taken, comes too late, or has to be asked again', () => {
  const confirm = interpretConfirmAnswer;
  assert.deepEqual(confirm(success('Reload timer stopped\n')), { kind: 'confirmed' });
  assert.deepEqual(confirm(success('Reboot timer stopped\n')), { kind: 'confirmed' });
  assert.deepEqual(confirm(success('No confirm pending\n')), { kind: 'nothing_pending' });
  assert.equal(
    confirm(failure('Configuration system temporarily locked due to another commit in progress\n')).kind,
    'try_later',
  );
  assert.equal(confirm(failure("'confirm' is not a valid operation")).kind, 'try_later');
  assert.equal(confirm(response(502, page('502 Bad Gateway'))).kind, 'away');
  assert.equal(confirm(response(401, '')).kind, 'forbidden');
  assert.equal(confirm({ kind: 'no_answer', reason: 'reset' }).kind, 'away');
});

test('an API that cannot begin anything has begun nothing', () => {
  const lost = response(503, '{"success": false, "error": "config session unavailable; retry", "data": null}');
  const full = response(500, '{"success": false, "error": "Background operation queue is full (128)", "data": null}');
  assert.equal(configure(lost).kind, 'try_later');
  assert.equal(configure(full).kind, 'try_later');
  assert.equal(interpretReadAnswer(lost).kind, 'try_later');
  assert.equal(interpretSaveAnswer(lost).kind, 'try_later');
});

test('the words of 1.3 for an API that is away are told, not its JSON', () => {
  const away = response(200, '{"error": "Start service in configuration mode: set service https api"}');
  const outcome = configure(away);
  assert.ok(outcome.kind === 'unclear');
  assert.equal(outcome.text, 'Start service in configuration mode: set service https api');
  assert.equal(interpretSaveAnswer(away).kind, 'away');
});

test('a save that says what it does is a save, as on 1.3', () => {
  const told = success("Saving configuration to '/config/config.boot'...\nDone\n");
  assert.deepEqual(interpretSaveAnswer(told), { kind: 'saved' });
});

test('no body makes an interpreter throw', () => {
  const bodies = fc.oneof(fc.string(), fc.json(), fc.constantFrom(...recorded.map(({ body }) => body)));
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 599 }), bodies, (status, body) => {
      for (const interpret of Object.values(interpreters)) assert.ok('kind' in interpret(response(status, body)));
    }),
    { numRuns: 300 },
  );
});
