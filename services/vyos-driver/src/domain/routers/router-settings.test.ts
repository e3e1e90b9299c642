import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  keyProblems,
  nameProblems,
  normalFingerprint,
  problemsOf,
  type RouterTerms,
  sameTerms,
} from './router-settings.ts';

const terms: RouterTerms = {
  host: '192.0.2.1',
  port: 443,
  keyId: 'berth',
  caPem: '',
  fingerprint: '',
  wanInterface: '',
  externalIp: '',
  dhcpNetwork: '',
  dhcpSubnet: '',
};

const fieldsOf = (change: Partial<RouterTerms>) =>
  problemsOf({ ...terms, ...change }, (pem) => pem === 'a certificate').map(({ field }) => field);

test('a host may be any address or name, internal ones too', () => {
  for (const host of ['10.0.0.1', '127.0.0.1', '169.254.1.1', 'localhost', 'edge.example', 'fd00::1', '::1']) {
    assert.deepEqual(fieldsOf({ host }), [], host);
  }
  for (const host of ['', 'a b', 'http://x', 'x/y', 'x:80', '[::1]', '-x', 'user@x', 'x\n']) {
    assert.deepEqual(fieldsOf({ host }), ['host'], JSON.stringify(host));
  }
});

test('what cannot stand in a URL is no host, however much it looks like one', () => {
  for (const host of ['127.0.0.1:8443', '127.0.0.1:1', '12:34', '1::2::3', 'fe80::1%eth0', ':::']) {
    assert.deepEqual(fieldsOf({ host }), ['host'], host);
  }
  for (const host of ['1.2.3.256', '1.2.3', '1..1', 'a..b', 'a-.b', 'x.0x7f', `${'a'.repeat(64)}.b`]) {
    assert.deepEqual(fieldsOf({ host }), ['host'], host);
  }
  for (const host of ['1.edge', 'a.b-c.d9', '::ffff:10.0.0.1', 'xn--mnchen-3ya.example']) {
    assert.deepEqual(fieldsOf({ host }), [], host);
  }
});

test('a name is letters, digits and -, and no word of the paths of the API', () => {
  for (const name of ['edge', 'Edge-2', '7', 'tests']) assert.deepEqual(nameProblems(name), [], name);
  for (const name of ['', 'a b', '-a', 'test', 'Test']) assert.equal(nameProblems(name).length, 1, name);
});

test('all that is wrong is named at once, by the names of the API', () => {
  assert.deepEqual(
    fieldsOf({
      port: 0,
      keyId: '',
      caPem: 'x',
      fingerprint: 'ab',
      wanInterface: 'eth 0',
      externalIp: '1.2.3',
      dhcpNetwork: 'a\nb',
      dhcpSubnet: '10.0.0.0/33',
    }),
    ['port', 'key_id', 'ca_pem', 'fingerprint', 'wan_interface', 'external_ip', 'dhcp_network', 'dhcp_subnet'],
  );
});

test('a fingerprint with colons is the same as one without', () => {
  const bare = 'ab'.repeat(32);
  const withColons = bare.toUpperCase().match(/../g)?.join(':') ?? '';
  assert.deepEqual(fieldsOf({ fingerprint: withColons }), []);
  assert.equal(normalFingerprint(withColons), bare);
});

test('a key is any printable text', () => {
  assert.deepEqual(keyProblems('k'), []);
  for (const key of ['', 'a\nb', 'x'.repeat(513)]) assert.equal(keyProblems(key).length, 1);
});

test('terms are the same when every field is', () => {
  assert.ok(sameTerms(terms, { ...terms }));
  assert.ok(!sameTerms(terms, { ...terms, port: 444 }));
});
