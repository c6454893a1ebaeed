// What gets into the log, and what does not.

import { describe, expect, test } from 'vitest';
import { createLogger } from '../../src/io/log.ts';

function collect(pretty: boolean, color = false) {
  const lines: string[] = [];
  return { lines, logger: createLogger({ level: 'info', pretty, color, write: (line) => lines.push(line) }) };
}

describe('the log', () => {
  test('JSON lines with level, time and message', () => {
    const { lines, logger } = collect(false);
    logger.log('warn', 'hello', { port: 'p1' });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', message: 'hello', port: 'p1' });
    expect(JSON.parse(lines[0] ?? '').time).toMatch(/^\d{4}-.*\.\d{3}Z$/);
    expect(lines[0]?.endsWith('\n')).toBe(true);
  });

  test('secrets are never written', () => {
    const { lines, logger } = collect(false);
    logger.log('info', 'config', {
      secret: 'hunter2',
      server: { secret: 'hunter2' },
      mqtt: { a: { password: 'hunter2' } },
    });
    expect(lines.join()).not.toContain('hunter2');
  });

  test('the level can be changed while it runs', () => {
    const { lines, logger } = collect(false);
    logger.log('debug', 'no');
    logger.setLevel('debug');
    logger.log('debug', 'yes');
    logger.setLevel('silent');
    logger.log('error', 'no');
    expect(lines.map((line) => JSON.parse(line).message)).toEqual(['yes']);
  });

  test('hostile text cannot reach the terminal or begin a line of its own', () => {
    const { lines, logger } = collect(true);
    logger.log('info', 'login\n\u001b[2J', { user: 'a\u001b]0;x\u0007\u202eb' });
    const line = (lines[0] ?? '').trimEnd();
    expect([...line].every((character) => character >= ' ' && character !== '\u202e')).toBe(true);
    expect(line).toContain('user=a\\u001b]0;x\\u0007\\u202eb');
  });

  test('colours are for a terminal that wants them, whatever the environment says', () => {
    const plain = collect(true);
    plain.logger.log('warn', 'hello', { port: 'p1' });
    expect(plain.lines[0]?.slice('12:00:00.000'.length)).toBe(' warn  hello  port=p1\n');
    const painted = collect(true, true);
    painted.logger.log('warn', 'hello', { port: 'p1' });
    expect(painted.lines[0]).toContain('\u001b[33mwarn \u001b[39m hello');
  });
});
