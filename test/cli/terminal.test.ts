// Whoever sits there does not answer, or does not read.

import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { confirmOnTerminal } from '../../src/cli/confirm.ts';
import { printer } from '../../src/cli/standard-output.ts';

test.each([
  ['y\n', true],
  ['YES\r\n', true],
  ['n\n', false],
  ['\n', false],
  ['yesterday\n', false],
  ['', false],
])('a question that is answered by %j and the end of the input: %s', async (typed, yes) => {
  const input = new PassThrough();
  const asked = confirmOnTerminal('1 session would be ended. Go on?', input, new PassThrough());
  input.end(typed);
  expect(await asked).toBe(yes);
});

test('who has read enough is printed nothing more, and that is no error', () => {
  const stream = new PassThrough();
  let ends = 0;
  const print = printer(stream, () => {
    ends += 1;
  });
  print('one\n');
  expect([String(stream.read()), ends]).toEqual(['one\n', 0]);
  stream.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  expect(ends).toBe(1);
  expect(() => stream.emit('error', new Error('of another kind'))).toThrow('of another kind');
});
