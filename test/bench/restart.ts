// A start that finds 10,000 sessions of the run before, in the store and in the kernel's table, on 48 ports: how long it takes
// from the beginning of the process until all of them go on.

import path from 'node:path';
import { storing } from '../../src/accounting/spool.ts';
import { macFromNumber } from '../../src/base/mac.ts';
import { machineTime, type WallTime } from '../../src/base/time.ts';
import { machineClock } from '../../src/io/host/machine-clock.ts';
import { monotonic } from '../../src/io/shell.ts';
import { openStore } from '../../src/io/store/store.ts';
import type { AcctSubject } from '../../src/model/acct.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import type { KeptSession } from '../../src/model/kept.ts';
import { keepingSession } from '../../src/session/kept-codec.ts';
import { Broker } from '../rigs/lab/broker.ts';
import { LabFolder } from '../rigs/lab/folder.ts';
import type { Netns } from '../rigs/lab/netns.ts';
import type { Row } from './row.ts';
import { cpuMs, median, PORTS, ROOT } from './stage.ts';
import { bridgeOf48 } from './table.ts';

const SESSIONS = 10_000;
const ROUNDS = 5;
const FIRST_MAC = 0x02_00_00_00_00_00;

function config(folder: LabFolder): string {
  return `switch: {id: sw1, bridge: br0}
control_socket: ${folder.file('rollcall.sock')}
state_dir: ${folder.file('state')}
ports: {"p*": {control: auto}}
radius: {nas_identifier: sw1, servers: [{address: 127.0.0.1, secret: a-secret-of-the-bench}]}
mqtt: {url: "mqtt://127.0.0.1:1883"}
`;
}

async function portsOf(
  netns: Netns,
): Promise<readonly { readonly port: PortName; readonly index: number }[]> {
  const links = JSON.parse(await netns.ip('-j link show master br0')) as readonly {
    readonly ifname: string;
    readonly ifindex: number;
  }[];
  return links.map(({ ifname, ifindex }) => ({ port: ifname as PortName, index: ifindex }));
}

/** What a run before would have left: in the store, and the entries as lines for `bridge -batch`. */
async function leave(netns: Netns, state: string): Promise<string> {
  const ports = await portsOf(netns);
  const opened = openStore(state, () => undefined);
  if (!opened.ok) throw new Error(opened.error);
  const { store } = opened.value;
  const clock = machineClock();
  const startedAt = machineTime(clock, monotonic());
  const startedWall = Date.now() as WallTime;
  const lines: string[] = [];
  for (let n = 1; n <= SESSIONS; n++) {
    const { port, index } = ports[n % ports.length] ?? { port: 'p1' as PortName, index: 0 };
    const mac = macFromNumber(FIRST_MAC + n);
    const id = `bench-${n.toString(16).padStart(6, '0')}`;
    const station = { mac, port, nasPort: index, calledStation: mac };
    const kept: KeptSession = {
      boot: clock.boot,
      place: {
        ...station,
        layer: 2,
        vlan: 0,
        vlans: { untagged: 0, tagged: [] },
        domain: 'data',
        wish: { untagged: [], tagged: [], voice: false },
      },
      id,
      multiId: id,
      method: 'dot1x',
      startedWall,
      startedAt,
      authorizedAt: startedAt,
      authorization: {
        userName: `user${n}`,
        classes: [new Uint8Array(16)],
        reauthenticateAtTimeout: false,
        server: '127.0.0.1:1812',
      },
      role: 'default',
      proof: { since: startedAt, failures: 0, identity: new Uint8Array(8), identifier: n & 0xff },
    };
    const subject: AcctSubject = {
      sessionId: id,
      multiSessionId: id,
      userName: `user${n}`,
      station,
      classes: [new Uint8Array(16)],
    };
    const [, living] = storing({ ref: n, record: { kind: 'start', eventTime: startedWall, subject } });
    if (living !== undefined) store.write([living, keepingSession(kept)]);
    lines.push(`fdb replace ${mac} dev ${port} master static sticky`);
  }
  await store.close();
  return `${lines.join('\n')}\n`;
}

export async function restartRows(): Promise<readonly Row[]> {
  const netns = await bridgeOf48();
  const broker = await Broker.start(netns);
  const folder = new LabFolder('restart');
  const file = folder.write('rollcall.yaml', config(folder));
  const argv = [path.join(ROOT, 'dist/rollcall'), 'run', '-c', file];
  const adopted: number[] = [];
  const busy: number[] = [];
  try {
    const batch = await leave(netns, folder.file('state'));
    await netns.must(['bridge', '-batch', '-'], { input: batch, timeoutMs: 60_000 });
    for (let round = 0; round < ROUNDS; round++) {
      const agent = netns.start({ name: 'rollcall', argv });
      const said = async (message: string) =>
        JSON.parse(await agent.waitForLine(new RegExp(`"${message}"`), { timeoutMs: 60_000 })) as {
          readonly kept: number;
          readonly ms: number;
        };
      const { kept } = await said('sessions of an earlier run go on');
      if (kept !== SESSIONS) throw new Error(`${kept} of ${SESSIONS} sessions go on`);
      adopted.push((await said('the store is read')).ms);
      busy.push(cpuMs(agent.pid));
      await agent.waitForLine(/"running"/, { timeoutMs: 60_000 });
      agent.signal('SIGKILL');
      await agent.exited;
    }
  } finally {
    folder.remove();
    await broker.close();
    netns.close();
  }
  const ms = median(adopted);
  return [
    {
      what: `start after a kill until ${SESSIONS} sessions on ${PORTS} ports go on`,
      ours: `${ms} ms, ${median(busy).toFixed(0)} ms of CPU`,
      against: '',
      goal: '2 s',
      reached: ms <= 2000,
    },
  ];
}
