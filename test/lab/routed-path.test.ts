// The routed path with real nftables, where somebody is at it: rules that others flush, an address of another interface,
// interfaces that the rules cannot see, and what is left when it is not wanted any more.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigPart } from '../rigs/config-part.ts';
import { accounting, CONCENTRATOR, Concentrator, SERVER_IPV4, SSO_PORT } from '../rigs/lab/concentrator.ts';
import { giveAddress, keepQuiet, Netns } from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';
import { Scene } from '../rigs/lab/scene.ts';

const CONFIG = {
  l3: { ingress: ['vpn0', 'vpn1'] },
  sso: { port: SSO_PORT, clients: [{ address: CONCENTRATOR, secret: 'concentrator-secret' }] },
  roles: { default: {} },
} satisfies ConfigPart;
const ALICE = { user: 'alice', session: 'session-1', ips: ['10.98.0.101'] };
const [ADDRESS = ''] = ALICE.ips;
const STRANGER = '10.98.0.102';

let scene: Scene;
let vpn: Concentrator;
/** Behind the second ingress interface. */
let other: Netns;

beforeAll(async () => {
  scene = await Scene.open({
    ports: 1,
    radius: { users: [] },
    prepare: async (lab) => {
      vpn = await Concentrator.create(lab);
      other = Netns.create();
      await keepQuiet(other);
      await lab.netns.ip(`link add vpn1 type veth peer name eth0 netns ${other.name}`);
      await lab.netns.ip('link set vpn1 up');
      await other.ip('link set eth0 up');
      await giveAddress(lab.netns, 'vpn1', { ipv4: '10.96.0.254', ipv6: 'fd00:96::254' });
      await giveAddress(other, 'eth0', { ipv4: '10.96.0.1', ipv6: 'fd00:96::1' });
      await other.ip('route add default via 10.96.0.254');
    },
    config: CONFIG,
  });
  for (const ip of [ADDRESS, STRANGER]) await vpn.connect(ip);
  await vpn.tell(accounting('Start', ALICE));
});
afterAll(async () => {
  await scene?.close();
  vpn?.close();
  other?.close();
});

/** Echo requests that the server has been sent. */
async function echoes(): Promise<number> {
  const [names, values] = (await vpn.server.must(['grep', '^Icmp:', '/proc/net/snmp'])).trim().split('\n');
  return Number(values?.split(' ')[names?.split(' ').indexOf('InEchos') ?? 0]);
}

async function arrives(from: Netns, ip: string): Promise<boolean> {
  const before = await echoes();
  await from.run(['ping', '-c', '1', '-W', '0.3', '-I', ip, SERVER_IPV4]);
  return (await echoes()) > before;
}

describe('the routed path', () => {
  it('lets an address in by the interface that it is routed to, and by no other', async () => {
    await other.ip(`addr add ${ADDRESS}/32 dev eth0`);
    expect([await arrives(vpn.netns, ADDRESS), await arrives(other, ADDRESS)]).toEqual([true, false]);
  });

  it('whose rules are flushed while its sets stay is shut again, and who was in is in', async () => {
    await scene.lab.netns.must(['nft', 'flush', 'table', 'inet', 'rollcall_br0']);
    expect(await vpn.passes(STRANGER)).toBe(true);
    await scene.waitForEvent('warning', { code: 'routed-path' }, 15_000);
    await until('shut again', async () => !(await vpn.passes(STRANGER)), 3_000);
    expect(await vpn.passes(ADDRESS)).toBe(true);
  });

  it('of an interface in a bridge is refused, by `check` and at the start', async () => {
    await scene.agent.stop();
    scene.agent.configure({ ...CONFIG, l3: { ingress: ['p1'] } });
    const fault = /l3\.ingress: p1 is in br0, and what it forwards comes in by br0/;
    const checked = await scene.agent.rollcall('check', '-c', scene.agent.configFile);
    expect(checked.code).toBe(1);
    expect(checked.stdout + checked.stderr).toMatch(fault);
    const started = scene.agent.launch();
    expect(await started.exited).toBe(1);
    expect(started.output).toMatch(fault);
  });

  it('that is not wanted any more is gone at the next start', async () => {
    expect(await vpn.passes(STRANGER)).toBe(false);
    scene.agent.configure({ roles: CONFIG.roles });
    await scene.agent.start();
    await until('nothing in the way', () => vpn.passes(STRANGER), 5_000);
    expect(await scene.lab.netns.must(['nft', 'list', 'tables'])).not.toContain('inet rollcall_br0\n');
  });
});
