// 10,000 grants on 48 ports of a real bridge: written against `bridge -batch`, read against a raw C dump.

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { LabFolder } from '../rigs/lab/folder.ts';
import { Netns } from '../rigs/lab/netns.ts';
import { runChild } from './child.ts';
import type { Row } from './row.ts';
import { ROOT } from './stage.ts';

const PORTS = 48;
const GRANTS = 10_000;
/** Best of so many, on either side. */
const ROUNDS = 10;

export async function bridgeOf48(): Promise<Netns> {
  const netns = Netns.create();
  const lines = ['link add br0 type bridge', 'link set br0 up'];
  for (let n = 1; n <= PORTS; n++) {
    lines.push(
      `link add p${n} type veth peer name c${n}`,
      `link set p${n} master br0 up`,
      `link set c${n} up`,
    );
  }
  await netns.must(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
  return netns;
}

export async function tableRows(): Promise<readonly Row[]> {
  const netns = await bridgeOf48();
  const folder = new LabFolder('bench');
  try {
    const ours = await runChild<{
      readonly grants: number;
      readonly sweep: number;
      readonly heard: number;
    }>(netns, 'table-child', { bridge: 'br0', count: GRANTS });
    if (ours.heard !== GRANTS) throw new Error(`the sweep saw ${ours.heard} of ${GRANTS} sessions`);

    const dump = folder.file('dump');
    execFileSync('cc', ['-O2', '-o', dump, path.join(ROOT, 'test/bench/dump.c')]);
    const index = JSON.parse(await netns.must(['ip', '-j', 'link', 'show', 'br0']))[0].ifindex as number;
    const raw = Number((await netns.must([dump, `${index}`])).split(' ')[0]);

    const batch = batchFile(folder);
    let peer = Number.POSITIVE_INFINITY;
    for (let round = 0; round < ROUNDS; round++) {
      await netns.must(['bridge', 'fdb', 'flush', 'dev', 'br0', 'static']);
      const start = performance.now();
      await netns.must(['bridge', '-batch', batch], { timeoutMs: 60_000 });
      peer = Math.min(peer, (performance.now() - start) * 1000);
    }
    return [
      {
        what: `one sweep of ${GRANTS} sessions on ${PORTS} ports, real table`,
        ours: `${(ours.sweep / 1000).toFixed(1)} ms`,
        against: `raw C dump ${(raw / 1000).toFixed(1)} ms`,
        ratio: ours.sweep / raw,
        goal: 'at most 3 times',
        reached: ours.sweep <= 3 * raw,
      },
      {
        what: `${GRANTS} grants restored`,
        ours: `${(ours.grants / 1000).toFixed(0)} ms`,
        against: `bridge -batch ${(peer / 1000).toFixed(0)} ms`,
        ratio: peer / ours.grants,
        goal: '5 times faster',
        reached: peer >= 5 * ours.grants,
      },
    ];
  } finally {
    folder.remove();
    netns.close();
  }
}

/** Other MACs than the child's, so that both write new entries. */
function batchFile(folder: LabFolder): string {
  const lines = Array.from({ length: GRANTS }, (_, i) => {
    const tail = [i >> 8, i & 255].map((octet) => octet.toString(16).padStart(2, '0')).join(':');
    return `fdb replace 02:20:00:00:${tail} dev p${(i % PORTS) + 1} master static sticky`;
  });
  return folder.write('grants.batch', `${lines.join('\n')}\n`);
}
