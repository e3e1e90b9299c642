import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forbiddenNameIn } from './forbidden-names.ts';

const nameIn = (text: string) => forbiddenNameIn(text, JSON.parse(text));

test('names that reach prototypes are found wherever they are, escaped too', () => {
  assert.equal(nameIn('{"__proto__":1}'), '__proto__');
  assert.equal(nameIn('{"a":[{"b":{"__proto__":null}}]}'), 'a[0].b.__proto__');
  assert.equal(nameIn('{"metadata":{"constructor":{"prototype":{}}}}'), 'metadata.constructor.prototype');
  assert.equal(nameIn('{"metadata":{"\\u005f_proto__":{}}}'), 'metadata.__proto__');
  assert.equal(nameIn('{"metadata":{"\\u0063onstructor":{"prototyp\\u0065":1}}}'), 'metadata.constructor.prototype');
});

test('the same words are allowed where they do no harm', () => {
  for (const text of [
    '{"metadata":{"constructor":"Skanska"}}',
    '{"metadata":{"constructor":{"name":"x"},"prototype":{}}}',
    '{"metadata":{"a":"__proto__"}}',
    '"__proto__"',
    'null',
  ])
    assert.equal(nameIn(text), undefined, text);
});

test('a deep body costs little, and its path is shortened to the field', () => {
  const depth = 50_000;
  const text = `{"metadata":${'{"a":'.repeat(depth)}{"__proto__":1}${'}'.repeat(depth)}}`;
  const startedAt = performance.now();
  assert.equal(nameIn(text), 'metadata');
  assert.ok(performance.now() - startedAt < 2_000);
});
