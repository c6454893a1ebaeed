// Devices let in by their MAC a second, all of them at once, beside 802.1X logins of the same run: same FreeRADIUS, same
// ports. A device has no word for "I am in", so the sessions are counted; the time is from the first frame to the last session.

import { SocketClient } from '../../src/cli/socket-client.ts';
import { sleep } from '../rigs/lab/process.ts';
import { rollcall } from './authenticators.ts';
import { Clients } from './clients.ts';
import type { Row } from './row.ts';
import { cpuMs, PORTS, Stage } from './stage.ts';

const WARM_UP = 800;
const MEASURED = 1000;
const WITHIN_MS = 30_000;
const WINDOW = 100;

type Way = 'pap' | 'eap-md5';

interface Measured {
  readonly perSecond: number;
  /** Of the agent, per login. */
  readonly cpuUs: number;
}

/** Device n of the benchmark, as User-Name. */
function deviceName(n: number): string {
  return `025100${n.toString(16).padStart(6, '0')}`;
}

/** One ARP announcement of each, spread over the ports, as fast as they go. */
const SENDER = `
import socket, sys
first, count, ports = map(int, sys.argv[1:])
sockets = []
for n in range(1, ports + 1):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    s.bind(('c%d' % n, 0))
    sockets.append(s)
for n in range(first, first + count):
    mac, ip = bytes([2, 0x51, 0]) + n.to_bytes(3, 'big'), bytes([10, 80]) + n.to_bytes(2, 'big')
    body = bytes.fromhex('0001080006040001') + mac + ip + bytes(6) + ip
    sockets[n % ports].send((b'\\xff' * 6 + mac + b'\\x08\\x06' + body).ljust(60, b'\\0'))
`;

async function bypass(stage: Stage, authentication: Way): Promise<Measured> {
  const mab = { enabled: true, order: ['mab', 'dot1x'], rate_per_s: 10_000, authentication };
  const agent = await rollcall(stage, { periodS: 0, config: { ports: { 'p*': { mab } } } });
  const control = new SocketClient(agent.socket, 5_000);
  const sessions = async (): Promise<number> => {
    const said = await control.request('info', {});
    if (!said.ok || !said.value.ok) throw new Error('the agent does not answer');
    return (said.value.result as { readonly counts: { readonly sessions: number } }).counts.sessions;
  };
  const letIn = async (first: number, count: number): Promise<number> => {
    const before = await sessions();
    const began = performance.now();
    await stage.far.must(['python3', '-c', SENDER, `${first}`, `${count}`, `${PORTS}`]);
    while ((await sessions()) < before + count) {
      if (performance.now() - began > WITHIN_MS)
        throw new Error(`${(await sessions()) - before} of ${count} devices are in after ${WITHIN_MS} ms`);
      await sleep(10);
    }
    return performance.now() - began;
  };
  await letIn(1, WARM_UP);
  const spent = cpuMs(agent.pid);
  const ms = await letIn(1 + WARM_UP, MEASURED);
  const cpuUs = ((cpuMs(agent.pid) - spent) * 1000) / MEASURED;
  await agent.close();
  return { perSecond: (MEASURED * 1000) / ms, cpuUs };
}

/** EAP-MD5 by 802.1X, as in the rows on logins. */
async function dot1x(stage: Stage): Promise<Measured> {
  const agent = await rollcall(stage, { periodS: 0 });
  const load = { window: WINDOW, seconds: 8, ports: PORTS };
  const warm = await Clients.logIn(stage, { ...load, first: 1, count: WARM_UP, window: 10 });
  const spent = cpuMs(agent.pid);
  const clients = await Clients.logIn(stage, { ...load, first: 1 + WARM_UP, count: MEASURED });
  const { logins } = clients;
  const cpuUs = ((cpuMs(agent.pid) - spent) * 1000) / logins.in;
  await clients.close();
  await warm.close();
  await agent.close();
  return { perSecond: logins.in / logins.seconds, cpuUs };
}

function say({ perSecond, cpuUs }: Measured): string {
  return `${perSecond.toFixed(0)}/s, ${cpuUs.toFixed(0)} µs CPU each`;
}

export async function mabRows(): Promise<readonly Row[]> {
  const stage = await Stage.open();
  try {
    const names = Array.from({ length: WARM_UP + MEASURED }, (_, i) => deviceName(i + 1));
    await stage.radius(names.map((name) => ({ name, password: name })));
    await stage.broker();
    const beside = await dot1x(stage);
    const rows: Row[] = [];
    for (const way of ['pap', 'eap-md5'] as const) {
      const ours = await bypass(stage, way);
      rows.push({
        what: `${MEASURED} devices at once, MAB by ${way}`,
        ours: say(ours),
        against: `its 802.1X by EAP-MD5, ${WINDOW} in flight: ${say(beside)}`,
        ratio: ours.perSecond / beside.perSecond,
        goal: '',
      });
    }
    return rows;
  } finally {
    await stage.close();
  }
}
