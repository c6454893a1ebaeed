// The agent's smoke test: does what is shipped run on this machine at all? `check`, start, `status`, stop, and start again with
// what the store has kept. No peer: no RADIUS server answers, so that the first record has to wait in the store.
//
//   node test/rigs/lab/smoke.mjs sim | switchdev      bundled to there, dist/ above it; switchdev makes a bridge (root)

import assert from 'node:assert/strict';
import path from 'node:path';
import { stringify } from 'yaml';
import { LabFolder } from '../rigs/lab/folder.ts';
import { LabProcess, must, run } from '../rigs/lab/process.ts';

const LAUNCHER = path.resolve(import.meta.dirname, '../../../dist/rollcall');

interface Status {
  readonly backend: string;
  readonly capabilities: Readonly<Record<string, boolean>>;
  readonly counts: Readonly<Record<string, number>>;
  readonly accounting: {
    readonly store: string;
    readonly pending: number;
    readonly counters: { readonly recovered?: number };
  };
}

class Smoke {
  private readonly folder = new LabFolder('smoke');
  private readonly file: string;

  constructor(backend: string) {
    this.file = this.folder.write(
      'rollcall.yaml',
      stringify({
        switch: { id: 'sw1', bridge: 'br0', uplinks: ['up0'] },
        backend,
        state_dir: this.folder.file('state'),
        control_socket: this.folder.file('rollcall.sock'),
        ports: { 'p*': { control: 'auto' } },
        radius: {
          nas_identifier: 'sw1',
          nas_ip_address: '192.0.2.1',
          servers: [{ address: '127.0.0.1', secret: 'testing123' }],
        },
      }),
    );
  }

  async check(): Promise<void> {
    const { code, stdout, stderr } = await run([LAUNCHER, 'check', '-c', this.file]);
    console.log(stdout + stderr);
    assert.equal(code, 0, 'rollcall check');
  }

  /** One life of the agent, as `status` has it. */
  async life(): Promise<Status> {
    const agent = new LabProcess({ name: 'rollcall', argv: [LAUNCHER, 'run', '-c', this.file] });
    try {
      await agent.waitForLine(/"message":"running"/, { timeoutMs: 30_000 });
      const said = await must([LAUNCHER, 'status', '--socket', this.folder.file('rollcall.sock'), '--json']);
      const { result } = JSON.parse(said) as { readonly result: Status };
      console.log(JSON.stringify(result));
      return result;
    } finally {
      await agent.stop();
      console.log(agent.output);
    }
  }
}

async function bridge(): Promise<void> {
  for (const words of [
    'link add br0 type bridge vlan_filtering 1 mcast_snooping 0',
    'link add p1 type veth peer name c1',
    'link add up0 type veth peer name c0',
    'link set p1 master br0 up',
    'link set up0 master br0 up',
    'link set c1 up',
    'link set c0 up',
    'link set br0 up',
  ])
    await must(['ip', ...words.split(' ')]);
}

/** What the kernel says of p1 after the agent has gone: it fails closed. */
async function expectLocked(): Promise<void> {
  const [port] = JSON.parse(await must(['bridge', '-j', '-d', 'link', 'show', 'dev', 'p1']));
  assert.equal(port.locked, true, 'p1 is locked');
  assert.equal(port.learning, true, 'p1 learns');
}

const backend = process.argv[2];
assert.ok(backend === 'sim' || backend === 'switchdev', 'which backend: sim or switchdev');
if (backend === 'switchdev') await bridge();
const smoke = new Smoke(backend);
await smoke.check();
for (const [life, kept] of [
  ['first', 0],
  ['second', 1],
] as const) {
  const { backend: found, capabilities, counts, accounting } = await smoke.life();
  assert.equal(found, backend);
  assert.equal(capabilities.locked, true);
  assert.equal(accounting.store, 'durable');
  // Accounting-On of the first life waits; the second life finds it in the store, and lets its own take its place.
  assert.equal(accounting.pending, 1, `records that wait in the ${life} life`);
  assert.equal(accounting.counters.recovered ?? 0, kept, `records that the ${life} life found in the store`);
  if (backend === 'switchdev') {
    assert.equal(counts.ports, 1);
    await expectLocked();
  }
}
process.exit(0);
