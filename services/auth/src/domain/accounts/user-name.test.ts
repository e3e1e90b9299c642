import assert from 'node:assert/strict';
import { test } from 'node:test';
import { faultsOfEmail, faultsOfName } from './user-name.ts';

test('a name begins and ends with a letter or digit, and is never taken for an address', () => {
  for (const good of ['ab', 'Ada', 'ada.lovelace', 'a_-.1', 'x'.repeat(64)]) assert.deepEqual(faultsOfName(good), []);
  for (const bad of ['', 'a', 'ada.', '-ada', 'a b', 'ada@home', 'аda', 'x'.repeat(65), 'ada\n']) {
    assert.equal(faultsOfName(bad).length, 1, bad);
  }
});

test('an address is ASCII, has a domain, and brings no line of its own into a mail', () => {
  for (const good of ['ada@example.com', 'a+b@x.y', "o'neill@mail.example.org"])
    assert.deepEqual(faultsOfEmail(good), []);
  const bad = [
    '',
    'ada',
    'ada@',
    '@x.y',
    'a@b',
    'a@b..c',
    'a..b@c.d',
    'a b@c.d',
    'ä@c.d',
    'a@b@c.d',
    'a@b.c\r\nBcc: d@e.f',
  ];
  for (const one of [...bad, `${'a'.repeat(65)}@c.d`, `a@${'b.'.repeat(130)}c`]) {
    assert.equal(faultsOfEmail(one).length, 1, one);
  }
});
