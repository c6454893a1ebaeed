// `make bench`: figures beside those of peers, measured in the same run; writes docs/benchmarks.md.
// One part alone: `node board/run.mjs test/bench/main.ts table` (or start, wheel); that writes nothing.

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import path from 'node:path';
import Table from 'cli-table3';
import { disconnectRows } from './disconnects.ts';
import { loginRows } from './logins.ts';
import { mabRows } from './mab.ts';
import { memoryRows } from './memory.ts';
import { probeRows } from './probes.ts';
import { restartRows } from './restart.ts';
import type { Row } from './row.ts';
import { ROOT } from './stage.ts';
import { startRows } from './start.ts';
import { storeRows } from './store.ts';
import { tableRows } from './table.ts';
import { timerRows } from './timers.ts';

const PARTS: Readonly<Record<string, () => Promise<readonly Row[]>>> = {
  table: tableRows,
  start: startRows,
  memory: memoryRows,
  logins: loginRows,
  mab: mabRows,
  probes: probeRows,
  timers: timerRows,
  disconnects: disconnectRows,
  restart: restartRows,
  store: storeRows,
};

function wheel(): string {
  return execFileSync(process.execPath, ['board/run.mjs', 'test/bench/wheel.bench.ts'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
}

function verdict(reached: boolean | undefined): string {
  return reached === undefined ? '' : reached ? 'yes' : 'NO';
}

function show(rows: readonly Row[]): void {
  const table = new Table({
    head: ['what', 'Rollcall', 'against', 'ratio', 'goal', 'reached'],
    style: { head: [], border: [] },
  });
  for (const { what, ours, against, ratio, goal, reached } of rows) {
    table.push([what, ours, against, ratio?.toFixed(1) ?? '', goal, verdict(reached)]);
  }
  process.stdout.write(`${table.toString()}\n`);
}

function document(rows: readonly Row[], timers: string): string {
  const lines = rows.map(({ what, ours, against, ratio, goal, reached }) => {
    return `| ${what} | ${ours} | ${against} | ${ratio?.toFixed(1) ?? ''} | ${goal} | ${verdict(reached)} |`;
  });
  return `# Benchmarks

Made by \`make bench\`; each ratio is of two figures of the same run. Linux ${release()}, Node ${process.version},
${cpus().length} cores. Absolute figures do not carry over to another machine.

| what | Rollcall | against | ratio | goal | reached |
|---|---|---|---|---|---|
${lines.join('\n')}

## The timer wheel against setTimeout

\`node board/run.mjs test/bench/main.ts wheel\`

\`\`\`
${timers.trimEnd()}
\`\`\`
`;
}

const [only] = process.argv.slice(2);
if (only === 'wheel') {
  process.stdout.write(wheel());
} else {
  const parts = only === undefined ? Object.values(PARTS) : [PARTS[only]];
  const rows: Row[] = [];
  for (const part of parts) {
    if (part === undefined)
      throw new Error(`no such part; there are: wheel, ${Object.keys(PARTS).join(', ')}`);
    rows.push(...(await part()));
  }
  show(rows);
  if (only === undefined) {
    const timers = wheel();
    process.stdout.write(timers);
    writeFileSync(path.join(ROOT, 'docs/benchmarks.md'), document(rows, timers));
  }
}
