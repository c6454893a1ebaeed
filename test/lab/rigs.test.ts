// The rigs by themselves, without the agent: if one of these fails, the fault is not Rollcall's.

import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { Broker } from '../rigs/lab/broker.ts';
import { TLS_IDENTITY } from '../rigs/lab/certificates.ts';
import {
  becomeAddressless,
  becomeArpOnly,
  becomeIpv6Only,
  fallSilent,
  ping,
  speakAgain,
} from '../rigs/lab/client.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { Hostapd } from '../rigs/lab/hostapd.ts';
import { LabSwitch, SWITCH_IPV4, SWITCH_IPV6, SWITCH_MAC, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';
import type { Credentials } from '../rigs/lab/supplicant.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';

let lab: LabSwitch;

beforeAll(async () => {
  lab = await LabSwitch.create({ ports: 3 });
});
afterAll(() => lab?.close());

describe('the switch', () => {
  test('carries frames between its clients, to itself and to the uplink, in both families', async () => {
    expect(await ping(lab.client(1), lab.client(2).ipv4)).toBe(true);
    expect(await ping(lab.client(1), SWITCH_IPV4)).toBe(true);
    expect(await ping(lab.client(1), SWITCH_IPV6)).toBe(true);
    expect(await ping(lab.client(3), UPLINK_IPV4)).toBe(true);
    expect(await lab.fdb(lab.client(1).mac)).toMatchObject([{ ifname: 'p1' }]);
    expect(await lab.portFlags('p1')).toMatchObject({ locked: false, learning: true });
  });

  test('sees a client unplug, and keeps the port up', async () => {
    await lab.unplug(2);
    const [port] = JSON.parse(await lab.netns.must(['ip', '-j', 'link', 'show', 'p2']));
    expect(port.flags).toContain('NO-CARRIER');
    expect(port.flags).toContain('UP');
    await lab.plug(2);
    expect(await ping(lab.client(2), SWITCH_IPV4, 3)).toBe(true);
  });
});

describe('the witness', () => {
  test('counts ARP requests and solicitations, and names their senders', async () => {
    const sniffer = await Sniffer.start(lab.client(1).netns, { filter: 'arp or icmp6' });
    onTestFinished(() => sniffer.close());
    for (const address of [lab.client(1).ipv4, lab.client(1).ipv6]) {
      await lab.netns.ip(`neigh flush dev br0`);
      expect((await lab.netns.run(['ping', '-c', '1', '-W', '1', address])).code).toBe(0);
    }
    await sniffer.stop();
    const requests = await sniffer.arpRequests(`arp.dst.proto_ipv4 == ${lab.client(1).ipv4}`);
    expect(requests).toMatchObject([
      { senderIp: SWITCH_IPV4, senderMac: SWITCH_MAC, ethernetSource: SWITCH_MAC },
    ]);
    const solicitations = await sniffer.neighbourSolicitations(`ipv6.src == ${SWITCH_IPV6}`);
    expect(solicitations).toMatchObject([{ senderMac: SWITCH_MAC, targetIp: lab.client(1).ipv6 }]);
    expect(await sniffer.faults()).toEqual([]);
  });
});

describe('FreeRADIUS, hostapd and wpa_supplicant', () => {
  let radius: FreeRadius;
  beforeAll(async () => {
    radius = await FreeRadius.start(lab.netns, {
      users: [
        { name: 'alice', password: 'wonderland', reply: { 'Session-Timeout': 600, Class: '"gold"' } },
        { name: TLS_IDENTITY, reply: { Class: '"card"' } },
      ],
    });
  });
  afterAll(() => radius?.close());

  async function attempt(credentials: Credentials): Promise<Supplicant> {
    const hostapd = await Hostapd.start(lab.netns, 'p1');
    onTestFinished(() => hostapd.close());
    const supplicant = await Supplicant.start(lab.client(1), credentials);
    onTestFinished(() => supplicant.close());
    return supplicant;
  }

  const whole: readonly Credentials[] = [
    { method: 'PEAP', identity: 'alice', password: 'wonderland' },
    { method: 'TTLS', identity: 'alice', password: 'wonderland' },
    { method: 'TLS' },
    { method: 'MD5', identity: 'alice', password: 'wonderland' },
  ];
  test.each(whole)(
    '$method logs in, and accounting carries the Class that the test gave',
    async (credentials) => {
      const before = radius.accounting().length;
      const supplicant = await attempt(credentials);
      await supplicant.waitFor('authorized');
      await supplicant.logoff();
      await supplicant.waitFor('unauthorized');
      await radius.waitForAccounting({ 'Acct-Status-Type': 'Stop' });
      const start = radius
        .accounting()
        .slice(before)
        .find((record) => record['Acct-Status-Type'] === 'Start');
      expect(start?.Class).toBe(
        `0x${Buffer.from(credentials.method === 'TLS' ? 'card' : 'gold').toString('hex')}`,
      );
    },
  );

  test('a wrong password is refused', async () => {
    const supplicant = await attempt({ method: 'PEAP', identity: 'alice', password: 'mirror' });
    await supplicant.waitFor('refused');
    expect(radius.output).toMatch(/Login incorrect.*\[alice/);
  });

  test('PAP with a Message-Authenticator is answered with the attributes of the test, without one not at all', async () => {
    const ask = async (attributes: string): Promise<string> => {
      const argv = ['radclient', '-x', '-r', '1', '-t', '1', '127.0.0.1:1812', 'auth', 'testing123'];
      return (await lab.netns.run(argv, { input: attributes })).stdout;
    };
    const alice = 'User-Name = "alice", User-Password = "wonderland"';
    expect(await ask(`${alice}, Message-Authenticator = 0x00`)).toMatch(
      /Access-Accept[\s\S]*Session-Timeout = 600/,
    );
    const request = accessRequest('alice');
    expect(await lab.netns.must(['python3', '-c', SEND_UDP, '1812', request])).toBe('no answer\n');
  });

  test('a server that was stopped is silent, and answers when it is back', async () => {
    const ask = async (): Promise<number> =>
      (
        await lab.netns.run(['radclient', '-r', '1', '-t', '1', '127.0.0.1:1812', 'auth', 'testing123'], {
          input: 'User-Name = "alice", User-Password = "wonderland", Message-Authenticator = 0x00',
        })
      ).code;
    expect(await ask()).toBe(0);
    radius.freeze();
    expect(await ask()).not.toBe(0);
    radius.thaw();
    await radius.stop();
    expect(await ask()).not.toBe(0);
    await radius.start();
    expect(await ask()).toBe(0);
    await radius.setUsers([{ name: 'alice', password: 'changed' }]);
    expect(await ask()).not.toBe(0);
  });
});

describe('the broker', () => {
  test('delivers, retains, and carries a request and its answer', async () => {
    const broker = await Broker.start(lab.netns);
    onTestFinished(() => broker.close());
    await broker.publish({ topic: 'a/kept', payload: '{"n":1}', retain: true });
    const subscriber = await broker.subscribe('a/#');
    onTestFinished(() => subscriber.close());
    await broker.publish({ topic: 'a/passing', payload: '{"n":2}' });
    await broker.publish({ topic: 'a/kept', payload: '', retain: true });
    await subscriber.waitFor('the clearing', (message) => message.payload === '');
    expect(subscriber.messages).toEqual([
      { topic: 'a/kept', payload: '{"n":1}', retain: true, qos: 1, isText: false },
      { topic: 'a/passing', payload: '{"n":2}', retain: false, qos: 1, isText: false },
      { topic: 'a/kept', payload: '', retain: true, qos: 1, isText: false },
    ]);
    const server = await broker.subscribe('b/command');
    onTestFinished(() => server.close());
    const answer = broker.request({ topic: 'b/command', payload: 'who?', responseTopic: 'b/answer' });
    const request = await server.waitFor('the request', (message) => message.payload === 'who?');
    expect(request.responseTopic).toBe('b/answer');
    await broker.publish({ topic: 'b/answer', payload: 'me' });
    expect(await answer).toBe('me');
  });
});

describe('clients of a kind', () => {
  test('one that is silent, one that only answers ARP, one with IPv6 only, one without an address', async () => {
    const [first, second, third] = [lab.client(1), lab.client(2), lab.client(3)];
    await fallSilent(first);
    expect(await ping(first, SWITCH_IPV4)).toBe(false);
    await speakAgain(first);
    expect(await ping(first, SWITCH_IPV4)).toBe(true);

    await becomeArpOnly(second);
    await lab.netns.ip('neigh flush dev br0');
    expect((await lab.netns.run(['ping', '-c', '1', '-W', '1', second.ipv4])).code).not.toBe(0);
    expect(await lab.netns.ip(`neigh show ${second.ipv4}`)).toContain(second.mac);

    await becomeIpv6Only(third);
    expect(await ping(third, SWITCH_IPV6)).toBe(true);
    expect((await lab.netns.run(['ping', '-c', '1', '-W', '1', third.ipv4])).code).not.toBe(0);

    await becomeAddressless(third);
    expect((await lab.netns.run(['ping', '-c', '1', '-W', '1', third.ipv6])).code).not.toBe(0);
  });
});

const SEND_UDP = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
s.sendto(bytes.fromhex(sys.argv[2]), ('127.0.0.1', int(sys.argv[1])))
try:
    print(s.recv(4096).hex())
except socket.timeout:
    print('no answer')
`;

/** An Access-Request with nothing but a User-Name (RFC 2865 §3, §4.1), in hexadecimal. */
function accessRequest(user: string): string {
  const name = Buffer.from(user);
  const header = [1, 7, 0, 22 + name.length, ...Array.from({ length: 16 }, (_, n) => 0xa0 + n)];
  return Buffer.from([...header, 1, 2 + name.length, ...name]).toString('hex');
}
