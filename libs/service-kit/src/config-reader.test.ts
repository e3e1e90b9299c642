import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigError, envReader } from './config-reader.ts';

const problemsOf = (work: () => unknown): readonly string[] => {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

test('what is given is read, what is not falls back, and an empty value is none', () => {
  const read = envReader({
    NAME: 'berth',
    PORT: '8800',
    ON: 'yes',
    LIST: ' a, b ,,c ',
    URL: 'nats://x:4222',
    EMPTY: '',
  });
  assert.deepEqual(
    read.finish({
      name: read.text('NAME'),
      port: read.integer('PORT', { min: 1, max: 65_535 }),
      on: read.flag('ON'),
      list: read.list('LIST'),
      none: read.list('NONE'),
      url: read.url('URL'),
      empty: read.text('EMPTY', { fallback: 'fallback' }),
      optional: read.optionalText('EMPTY'),
      off: read.flag('OFF', { fallback: false }),
    }),
    {
      name: 'berth',
      port: 8_800,
      on: true,
      list: ['a', 'b', 'c'],
      none: [],
      url: 'nats://x:4222',
      empty: 'fallback',
      optional: undefined,
      off: false,
    },
  );
});

test('all that is wrong is named at once, and no value is', () => {
  const read = envReader({ PORT: 'planted', BIG: '70000', ON: 'planted', URL: 'planted', SHAPE: 'planted' });
  const problems = problemsOf(() => {
    read.text('NAME');
    read.integer('PORT');
    read.integer('BIG', { max: 65_535 });
    read.flag('ON');
    read.url('URL');
    read.text('SHAPE', { pattern: /^[A-Z]+$/, hint: 'in capitals' });
    read.reject('ON and URL contradict each other');
    read.finish({});
  });
  assert.deepEqual(
    problems.map((problem) => problem.split(' ')[0]),
    ['NAME', 'PORT', 'BIG', 'ON', 'URL', 'SHAPE', 'ON'],
  );
  assert.ok(!problems.join().includes('planted'));
});

test('numbers are whole and decimal', () => {
  for (const text of ['1.5', '1e3', '0x10', ' 1', '1 ', '--1', 'NaN', 'Infinity', '٣']) {
    assert.equal(
      problemsOf(() => {
        const read = envReader({ N: text });
        read.finish(read.integer('N'));
      }).length,
      1,
      text,
    );
  }
});
