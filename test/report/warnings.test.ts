// docs/warnings.md is what the list of codes says. ROLLCALL_WRITE=1 writes it anew.

import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { WARNINGS } from '../../src/report/warnings.ts';

const FILE = path.resolve(import.meta.dirname, '../../docs/warnings.md');

const HEAD = `# Warnings

What an operator must know is a line of the log with this \`code\`, and an MQTT event \`warning\` with \`code\`, a sentence
(\`message\`) and, where there is one, the port, the MAC or the address. Alarm by the code; the sentence may become another one.
Made by \`test/report/warnings.test.ts\` from \`src/report/warnings.ts\`.

| code | |
|---|---|`;

it('docs/warnings.md is what the list says', () => {
  const rows = Object.entries(WARNINGS).map(([code, what]) => `| \`${code}\` | ${what} |`);
  const text = `${HEAD}\n${rows.join('\n')}\n`;
  if (process.env.ROLLCALL_WRITE !== undefined) writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});

it('the codes are in order', () => {
  expect(Object.keys(WARNINGS)).toEqual(Object.keys(WARNINGS).sort());
});
