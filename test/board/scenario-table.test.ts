// docs/scenarios.md is what the lists of scenarios say: which is played where. ROLLCALL_WRITE=1 writes it anew.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { BOOT } from '../qemu/boot.ts';
import { KERNEL_MAB } from '../qemu/kernel-mab.ts';
import { POWER } from '../qemu/power.ts';
import { QUICK } from '../qemu/quick.ts';
import { CHAPTERS } from '../scenarios/chapters.ts';
import { VLAN_FALLBACKS } from '../scenarios/vlan-fallbacks.ts';
import { VLANS } from '../scenarios/vlans.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const FILE = path.join(ROOT, 'docs/scenarios.md');
const ARM64 = path.join(ROOT, 'test/arm64.sh');

interface Named {
  readonly name: string;
}

type Place = 'lab' | 'lab-vlan' | 'qemu';

const ROWS: readonly (readonly [string, readonly Named[], Place])[] = [
  ...Object.entries(CHAPTERS).map(([chapter, scenarios]) => [chapter, scenarios, 'lab'] as const),
  ['in a VLAN', VLANS, 'lab-vlan'],
  ['in a VLAN without a login', VLAN_FALLBACKS, 'lab-vlan'],
  ["by the kernel's notice", KERNEL_MAB, 'qemu'],
  ['boot', BOOT, 'qemu'],
  ['power', POWER, 'qemu'],
];

/** Those that test/arm64.sh plays unless it is told otherwise. */
function arm64Default(): RegExp | undefined {
  const pattern = existsSync(ARM64) ? /^SOME='(.*)'$/m.exec(readFileSync(ARM64, 'utf8'))?.[1] : undefined;
  return pattern === undefined ? undefined : new RegExp(pattern);
}

function table(): string {
  const some = arm64Default();
  const quick = new Set(QUICK.map(({ name }) => name));
  const lines = ROWS.flatMap(([chapter, scenarios, place]) => [
    `| **${chapter}** | | | |`,
    ...scenarios.map(({ name }) => {
      const lab = { lab: '`make test`', 'lab-vlan': '`make lab-vlan`', qemu: '' }[place];
      const qemu = quick.has(name) ? '`make test`' : '`make qemu-test`';
      const arm64 = place === 'qemu' || some === undefined ? '' : some.test(name) ? 'always' : 'by name';
      return `| ${name} | ${lab} | ${qemu} | ${arm64} |`;
    }),
  ]);
  return `${HEAD}\n${lines.join('\n')}\n`;
}

const HEAD = `# Scenarios, and where they are played

Made by \`test/board/scenario-table.test.ts\` from the lists of scenarios; \`ROLLCALL_WRITE=1\` writes it anew. The bodies are the same
everywhere (\`test/scenarios/\`): they know what a switch does, and not what it is made of. Beside these targets all but those
of the last three groups are played on the simulated switch, in fake time, with every unit test.

- **namespaces**: a bridge in network namespaces of this machine and of its kernel, real peers. Where that kernel cannot filter
  VLANs, \`make lab-vlan\` brings another one.
- **QEMU amd64**: the switch that \`make qemu\` boots, with the agent as its Debian package installs it ([qemu.md](qemu.md)).
- **arm64**: an arm64 machine in QEMU, \`test/arm64.sh\`: some always, every other one by its name.

| scenario | namespaces | QEMU amd64 | arm64 |
|---|---|---|---|`;

it('docs/scenarios.md is what the lists say', () => {
  if (process.env.ROLLCALL_WRITE !== undefined) writeFileSync(FILE, table());
  expect(readFileSync(FILE, 'utf8')).toBe(table());
});
