// From the start of the bundle to 48 locked ports, and to the first login possible; memory with nobody on.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Broker } from '../rigs/lab/broker.ts';
import { LabFolder } from '../rigs/lab/folder.ts';
import { sleep } from '../rigs/lab/process.ts';
import type { Row } from './row.ts';
import { ROOT } from './stage.ts';
import { bridgeOf48 } from './table.ts';

const ROUNDS = 5;
const CONFIG = `switch: {id: sw1, bridge: br0}
control_socket: SOCKET
ports: {"p*": {control: auto}}
radius: {nas_identifier: sw1, servers: [{address: 127.0.0.1, secret: a-secret-of-the-bench}]}
mqtt: {url: "mqtt://127.0.0.1:1883"}
`;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function memoryMb(pid: number, key: 'VmRSS' | 'RssAnon'): number {
  const found = new RegExp(`${key}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(found?.[1] ?? 0) / 1024;
}

export async function startRows(): Promise<readonly Row[]> {
  const netns = await bridgeOf48();
  const broker = await Broker.start(netns);
  const folder = new LabFolder('start');
  const file = folder.write('rollcall.yaml', CONFIG.replace('SOCKET', folder.file('rollcall.sock')));
  const argv = [path.join(ROOT, 'dist/rollcall'), 'run', '-c', file];
  const locked: number[] = [];
  const ready: number[] = [];
  const resident: number[] = [];
  const anonymous: number[] = [];
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const agent = netns.start({ name: 'rollcall', argv });
      await agent.waitForLine(/"running"/);
      // `ms` in these two lines counts from the start of the process.
      locked.push(millisecondsIn(agent.lines, 'ports are set'));
      ready.push(millisecondsIn(agent.lines, 'running'));
      await sleep(3000);
      resident.push(memoryMb(agent.pid, 'VmRSS'));
      anonymous.push(memoryMb(agent.pid, 'RssAnon'));
      await agent.stop();
    }
  } finally {
    folder.remove();
    await broker.close();
    netns.close();
  }
  return [
    row('start to all 48 ports locked', `${median(locked)} ms`, '250 ms', median(locked) <= 250),
    row('start to the first login possible', `${median(ready)} ms`, '1 s', median(ready) <= 1000),
    row(
      'resident memory, 0 sessions on 48 ports, external broker',
      `${median(resident).toFixed(0)} MB (anonymous ${median(anonymous).toFixed(0)} MB)`,
      '80 MB',
      median(resident) <= 80,
    ),
  ];
}

function row(what: string, ours: string, goal: string, reached: boolean): Row {
  return { what, ours, against: '', goal, reached };
}

function millisecondsIn(lines: readonly string[], message: string): number {
  for (const line of lines) {
    if (!line.startsWith('{')) continue;
    const said = JSON.parse(line) as { readonly message?: string; readonly ms?: number };
    if (said.message === message && said.ms !== undefined) return said.ms;
  }
  throw new Error(`the agent did not say '${message}'`);
}
