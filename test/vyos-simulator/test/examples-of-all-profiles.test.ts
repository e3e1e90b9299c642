import assert from 'node:assert/strict';
import { test } from 'node:test';
import { treeFromJson } from '../src/domain/config-json.ts';
import { Branch } from '../src/domain/config-tree.ts';
import { EditSession } from '../src/domain/edit-session.ts';
import { baseline, type Simulator, startSimulator } from '../src/index.ts';
import { migrated } from '../src/profile/migrate.ts';
import { profileNamed, profileNames } from '../src/profile/profile.ts';
import { pathsOf } from '../src/router/tree-paths.ts';
import { configure, envelopeOf, type Reply, retrieve, send, sendForm, sendJson } from './router-client.ts';

const SUBNET = 'service dhcp-server shared-network-name LAN subnet 10.10.0.0/16';

const failed = (error: string): string => JSON.stringify({ success: false, error, data: null });
/** The envelope without the blanks that Python puts into JSON. */
const compact = (reply: Reply): string => JSON.stringify(JSON.parse(reply.text));

for (const profile of profileNames) {
  const has15 = profile.startsWith('1.5');
  const is13 = profile === '1.3';
  const mac = has15 ? 'mac' : 'mac-address';
  const inbound = is13 ? 'inbound-interface' : 'inbound-interface name';
  const forward = (rule: number): (readonly [string, string])[] => [
    ['set', `nat destination rule ${rule} description vm-a`],
    ['set', `nat destination rule ${rule} ${inbound} eth0`],
    ['set', `nat destination rule ${rule} protocol tcp`],
    ['set', `nat destination rule ${rule} destination port 2222`],
    ['set', `nat destination rule ${rule} translation address 10.10.0.5`],
    ['set', `nat destination rule ${rule} translation port 22`],
  ];
  const mapping = (name: string, last: number): (readonly [string, string])[] => [
    ['set', `${SUBNET} static-mapping ${name} ${mac} 52:54:00:aa:bb:${last}`],
    ['set', `${SUBNET} static-mapping ${name} ip-address 10.10.0.5`],
  ];
  const example = (title: string, run: (simulator: Simulator) => Promise<void>): void => {
    test(`${profile}: ${title}`, async (t) => {
      const simulator = await startSimulator({ profile });
      t.after(() => simulator.stop());
      await run(simulator);
    });
  };

  example('a wrong key is a 401', async (simulator) => {
    const reply = await sendForm(simulator, '/retrieve', { key: 'wrong', data: '{"op":"showConfig","path":[]}' });
    assert.deepEqual(
      [reply.status, reply.type, reply.text],
      [401, 'text/html; charset=utf-8', '{"success": false, "error": "Valid API key is required", "data": null}'],
    );
  });

  example('a mapping and a forward are set in one request', async (simulator) => {
    const reply = await configure(simulator, ...mapping('vm-a', 10), ...forward(110));
    const empty = profile === '1.5-2025' || profile === '1.5-2026' ? '""' : 'null';
    assert.equal(reply.text, `{"success": true, "data": ${empty}, "error": null}`);
    assert.deepEqual((await retrieve(simulator, 'showConfig', 'nat destination rule 110')).data, {
      description: 'vm-a',
      destination: { port: '2222' },
      'inbound-interface': is13 ? 'eth0' : { name: 'eth0' },
      protocol: 'tcp',
      translation: { address: '10.10.0.5', port: '22' },
    });
  });

  example('an invalid path is named in full', async (simulator) => {
    const reply = await configure(simulator, ['set', 'nat destination rulez 10']);
    const text = 'Configuration path: [nat destination rulez 10] is not valid\n\nSet failed\n';
    assert.deepEqual([reply.status, compact(reply)], [400, failed(text)]);
  });

  example('a bad number of a rule is refused in its own words', async (simulator) => {
    const reply = await configure(simulator, ['set', 'nat destination rule 1000000']);
    assert.match(
      reply.error ?? '',
      /NAT rule number must be between 1 and 999999\nValue validation failed\nSet failed\n$/,
    );
    const words = 'Number is not in any of allowed ranges';
    assert.equal((reply.error ?? '').includes(words), !is13);
  });

  example('of a request over two components one can be committed and the other not', async (simulator) => {
    await configure(simulator, ...mapping('vm-a', 10));
    const reply = await configure(simulator, ...forward(110), ...mapping('vm-b', 11));
    if (is13) {
      assert.equal(reply.status, 200);
      return;
    }
    const reason =
      '[ service dhcp-server ]\nConfigured IP address for static mapping "vm-b" already exists on\nanother static mapping\n';
    const text = `${has15 ? reason : ''}[[service dhcp-server]] failed\nCommit failed\n`;
    assert.deepEqual([reply.status, compact(reply)], [400, failed(text)]);
    assert.equal((await retrieve(simulator, 'exists', 'nat destination rule 110')).data, true);
    assert.equal((await retrieve(simulator, 'exists', `${SUBNET} static-mapping vm-b`)).data, false);
  });

  example('a port without a protocol is refused by nat', async (simulator) => {
    const reply = await configure(simulator, ...forward(110).filter(([, path]) => !path.includes('protocol')));
    const reason =
      '[ nat ]\nDestination NAT configuration error in rule 110: ports can only be\nspecified when protocol is either tcp, udp or tcp_udp!\n';
    assert.equal(compact(reply), failed(`${has15 ? reason : ''}[[nat]] failed\nCommit failed\n`));
  });

  example('a commit lock of somebody else is told at once', async (simulator) => {
    await simulator.person({ commands: [], holdLockMs: 60_000 });
    const reply = await configure(simulator, ...forward(110));
    const text = 'Configuration system temporarily locked due to another commit in progress\n';
    assert.deepEqual([reply.status, compact(reply)], [400, failed(text)]);
  });

  example('what is not there is an error of showConfig and none of the others', async (simulator) => {
    const empty = await retrieve(simulator, 'showConfig', 'nat destination rule 77');
    assert.equal(empty.text, refusalText('Configuration under specified path is empty\\n'));
    const unknown = await retrieve(simulator, 'showConfig', 'nat bogus');
    assert.equal(unknown.text, refusalText('Specified configuration path is not valid\\n'));
    assert.equal((await retrieve(simulator, 'exists', 'nat destination rule 77 disable')).data, false);
    assert.deepEqual((await retrieve(simulator, 'returnValues', 'service dhcp-server listen-address')).data, []);
    assert.equal((await retrieve(simulator, 'returnValue', 'nat destination rule 77 protocol')).data, null);
  });

  example('a JSON body without a key is a 400 that shows the body', async (simulator) => {
    const body = '{"op":"showConfig","path":[]}';
    const reply = await send(simulator, '/retrieve', { body, headers: { 'content-type': 'application/json' } });
    assert.equal(reply.status, 400);
    assert.match(
      envelopeOf(reply).error ?? '',
      /'loc': \('body', 'key'\), 'msg': 'Field required', 'input': \{'op': 'showConfig', 'path': \[\]\}/,
    );
  });

  example('an unknown operation is named between quotes', async (simulator) => {
    const reply = await configure(simulator, ['save', 'x']);
    const quote = is13 ? '"' : "'";
    assert.deepEqual([reply.status, reply.error], [400, `${quote}save${quote} is not a valid operation`]);
  });

  example('a file that was saved can be loaded again', async (simulator) => {
    const before = simulator.config();
    const save = await sendJson(simulator, '/config-file', { op: 'save', file: '/config/before.boot' });
    assert.equal(envelopeOf(save).data, is13 ? "Saving configuration to '/config/before.boot'...\nDone\n" : '');
    await configure(simulator, ...mapping('vm-a', 10), ...forward(110));
    const load = await sendJson(simulator, '/config-file', { op: 'load', file: '/config/before.boot' });
    assert.equal(load.status, 200, load.text);
    assert.deepEqual(simulator.config(), before);
    const nothing = envelopeOf(await sendJson(simulator, '/config-file', { op: 'load' }));
    assert.match(nothing.error ?? '', /^Missing required field "file/);
  });

  example('options of a subnet stand where this version has them', async (simulator) => {
    const direct = await configure(simulator, ['set', `${SUBNET} name-server 10.10.0.2`]);
    const below = await configure(simulator, ['set', `${SUBNET} option name-server 10.10.0.3`]);
    assert.deepEqual([direct.status, below.status], has15 ? [400, 200] : [200, 400]);
  });

  example('names of mappings may have an underscore only before 1.5', async (simulator) => {
    const reply = await configure(simulator, ['set', `${SUBNET} static-mapping vm_a disable`]);
    assert.equal(reply.status, has15 ? 400 : 200);
  });

  test(`${profile}: its baseline, also migrated from every older version, is what its schema has`, async () => {
    const { schema, validatorsPrint } = profileNamed(profile);
    for (const older of profileNames.slice(0, profileNames.indexOf(profile) + 1)) {
      const config = migrated(treeFromJson(await baseline(older), profileNamed(older).schema), older, profile);
      const session = new EditSession(new Branch(), schema, validatorsPrint);
      for (const path of pathsOf(config)) session.set(path);
    }
  });
}

function refusalText(error: string): string {
  return `{"success": false, "error": "${error}", "data": null}`;
}
