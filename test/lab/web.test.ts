// The login page as a person sees it: a real browser, on a machine behind a locked port, without scripts. And what somebody
// does there who means harm.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { accessibilityFaults, isTooWide, LabBrowser } from '../rigs/lab/browser.ts';
import { canReach, ping } from '../rigs/lab/client.ts';
import { arpAnnouncement, sendFrames } from '../rigs/lab/frames.ts';
import {
  SWITCH_IPV4,
  SWITCH_IPV6,
  SWITCH_MAC,
  type SwitchClient,
  UPLINK_IPV4,
  UPLINK_IPV6,
} from '../rigs/lab/netns.ts';
import { until } from '../rigs/lab/process.ts';
import { bundledProgram } from '../rigs/lab/program.ts';
import { expectProven, RadiusWitness } from '../rigs/lab/radius-proof.ts';
import { type Facts, PASSWORD, Scene } from '../rigs/lab/scene.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';

const PAGE = `http://${SWITCH_IPV4}/`;
const TABLE = 'rollcall_br0_strangers';
const WRONG = 'correct horse battery';
const BRIEF_S = 4;
/** Kept in docs/, and made anew with `npm run pictures` alone. */
const PICTURES =
  process.env.ROLLCALL_WRITE === undefined
    ? undefined
    : path.resolve(import.meta.dirname, '../../docs/pictures');

let scene: Scene;
let browser: LabBrowser;
let witness: RadiusWitness;

/** Speaks until the switch has let it in as far as the page. */
async function becomeStranger(client: SwitchClient): Promise<void> {
  const speech = client.netns.start({
    name: `ping of ${client.mac}`,
    argv: ['ping', '-n', '-q', SWITCH_IPV4],
  });
  await until(`${client.mac} at the page`, async () => (await methodOf(client)) === 'portal', 20_000);
  await speech.stop();
}

async function methodOf(client: SwitchClient): Promise<unknown> {
  return (await scene.session(client))?.method;
}

async function logIn(page: Page, user: string, password: string): Promise<void> {
  await page.goto(PAGE);
  await page.getByLabel('User name').fill(user);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Log in' }).click();
}

const heading = (page: Page) => page.getByRole('heading', { level: 1 }).textContent();

async function logOut(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Log out' }).click();
}

function curl(client: SwitchClient, ...args: readonly string[]) {
  return client.netns.run(['curl', '-sS', '-m', '4', ...args]);
}

/**
 * One request over a connection of its own making, from an address that nobody has, while its ARP says that the address belongs
 * to the claimed MAC; when that has been heard its ARP is honest again, so that what is sent anew comes here. What has come.
 */
function visitWithClaim(client: SwitchClient, claimed: string, request: string): Promise<string> {
  const words = [client.mac, claimed, SWITCH_MAC, '10.99.0.200', SWITCH_IPV4];
  return client.netns.must(['python3', '-c', CLAIM, ...words], { input: request });
}

/** The word of a form, as a browser would send it back. */
function formWord(page: string): string {
  return /name="form" value="([^"]+)"/.exec(page)?.[1] ?? '';
}

async function connects(client: SwitchClient, address: string, port: number): Promise<boolean> {
  const argv = ['python3', '-c', CONNECT, address, `${port}`];
  return (await client.netns.run(argv)).code === 0;
}

const CONNECT = 'import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), 1.5).close()';
const ECHO = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 53))
print('listening', flush=True)
while True:
    data, peer = s.recvfrom(512)
    s.sendto(data, peer)
`;
const ASK = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(1)
s.sendto(b'name?', (sys.argv[1], 53))
s.recv(512)
`;
const CLAIM = `
import socket, struct, sys, time
mac = lambda text: bytes.fromhex(text.replace(':', ''))
me, claimed, switch = map(mac, sys.argv[1:4])
here, there = map(socket.inet_aton, sys.argv[4:6])
request = sys.stdin.buffer.read()
wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
wire.bind(('eth0', 0x0800))
wire.settimeout(0.2)

def checksum(octets):
    total = sum(struct.unpack('!%dH' % (len(octets) // 2), octets))
    total = (total >> 16) + (total & 0xffff)
    return ~(total + (total >> 16)) & 0xffff

def arp(sender, target=here):
    wire.send(b'\\xff' * 6 + me + struct.pack('!HHHBBH', 0x0806, 1, 0x0800, 6, 4, 1) + sender + here + bytes(6) + target + bytes(18))

def tcp(flags, seq, ack, data=b''):
    head = struct.pack('!HHIIBBHHH', port, 80, seq, ack, 0x50, flags, 64000, 0, 0)
    pseudo = here + there + struct.pack('!HH', 6, len(head) + len(data))
    padded = pseudo + head + data + bytes(len(data) % 2)
    head = head[:16] + struct.pack('!H', checksum(padded)) + head[18:]
    ip = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(head) + len(data), 0, 0, 64, 6, 0, here, there)
    ip = ip[:10] + struct.pack('!H', checksum(ip)) + ip[12:]
    wire.send(switch + me + b'\\x08\\x00' + ip + head + data)

def segments(until):
    while time.monotonic() < until:
        try:
            frame = wire.recv(65535)
        except TimeoutError:
            continue
        ip = frame[14:14 + struct.unpack('!H', frame[16:18])[0]]
        if ip[9] != 6 or ip[16:20] != here or ip[20:24] != struct.pack('!HH', 80, port):
            continue
        yield struct.unpack('!II', ip[24:32]), ip[33], ip[20 + (ip[32] >> 4) * 4:]

port = 20000 + time.time_ns() % 40000
arp(me, there)
arp(me)
time.sleep(0.1)
tcp(2, 1000, 0)
for (seq, _), flags, _ in segments(time.monotonic() + 2):
    if flags == 0x12:
        break
else:
    sys.exit('no connection')
arp(claimed)
time.sleep(0.05)
tcp(0x18, 1001, seq + 1, request)
time.sleep(0.15)
arp(me)
heard = {}
for (at, _), _, data in segments(time.monotonic() + 1.5):
    heard[at] = data
    got = seq + 1
    while heard.get(got):
        got += len(heard[got])
    tcp(0x10, 1001 + len(request), got)
print(b''.join(heard[at] for at in sorted(heard)).decode(errors='replace'))
tcp(0x04, 1001 + len(request), seq + 1)
`;
const DATAGRAM = `
import socket, sys
family = socket.AF_INET6 if ':' in sys.argv[3] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.bind(('', int(sys.argv[1])))
s.sendto(b'out', (sys.argv[3], int(sys.argv[2])))
`;
const DISCOVER = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b'eth0')
s.bind(('', 68))
s.sendto(bytes([1, 1, 6, 0]) + bytes(296), ('255.255.255.255', 67))
`;

beforeAll(async () => {
  scene = await Scene.open({
    ports: 4,
    radius: {
      users: [
        { name: 'alice', password: PASSWORD, reply: { 'Session-Timeout': 3600 } },
        { name: 'brief', password: PASSWORD, reply: { 'Session-Timeout': BRIEF_S } },
        { name: 'carol', password: PASSWORD },
      ],
    },
    prepare: async (lab) => {
      witness = await RadiusWitness.start(lab.netns);
    },
    config: {
      web: { dns_servers: [UPLINK_IPV4], logins_per_minute: 60, max_connections: 256 },
      dot1x: { tx_period_s: 1, reauth_max: 1, server_timeout_s: 3, quiet_period_s: 1 },
      log: { level: 'debug' },
      ports: { 'p*': { control: 'auto', portal: true } },
    },
  });
  scene.atClose(() => witness.close());
  browser = await LabBrowser.start(scene.client(1).netns);
  scene.atClose(() => browser.close());
  await becomeStranger(scene.client(1));
});
afterAll(() => scene?.close());

describe('a stranger', () => {
  it('reaches the page, names and an address, and nothing else; nor does anything reach it', async () => {
    const [client, other] = [scene.client(1), scene.client(2)];
    const { uplink, netns } = scene.lab;
    await uplink.ip('addr add 10.99.0.253/24 dev eth0');
    const servers = [
      uplink.start({ name: 'a name server', argv: ['python3', '-c', ECHO, UPLINK_IPV4] }),
      uplink.start({ name: 'another', argv: ['python3', '-c', ECHO, '10.99.0.253'] }),
      uplink.start({ name: 'a web server', argv: ['python3', '-u', '-m', 'http.server', '80'] }),
      netns.start({ name: 'a service of the switch', argv: ['python3', '-u', '-m', 'http.server', '8081'] }),
    ];
    for (const server of servers.slice(0, 2)) await server.waitForLine(/listening/);
    for (const server of servers.slice(2)) await server.waitForLine(/Serving/);
    const [outside, inside] = [
      await Sniffer.start(uplink),
      await Sniffer.start(client.netns, { filter: 'icmp or icmp6 or tcp' }),
    ];

    expect(await connects(client, SWITCH_IPV4, 80), 'the page').toBe(true);
    expect(await connects(client, SWITCH_IPV6, 80), 'the page, IPv6').toBe(true);
    expect((await client.netns.run(['python3', '-c', ASK, UPLINK_IPV4])).code, 'a name').toBe(0);
    await client.netns.must(['python3', '-c', DISCOVER]);

    const closed = {
      'another name server': client.netns
        .run(['python3', '-c', ASK, '10.99.0.253'])
        .then(({ code }) => code === 0),
      'the uplink': ping(client, UPLINK_IPV4),
      'the uplink, IPv6': ping(client, UPLINK_IPV6),
      'the switch itself': ping(client, SWITCH_IPV4),
      'another client': ping(client, other.ipv4),
      'the same port elsewhere': connects(client, UPLINK_IPV4, 80),
      'another port of the switch': connects(client, SWITCH_IPV4, 8081),
      'from outside': uplink
        .run(['ping', '-n', '-c', '1', '-W', '1', client.ipv4])
        .then(({ code }) => code === 0),
    };
    for (const [what, passes] of Object.entries(closed)) expect(await passes, what).toBe(false);

    for (const sniffer of [outside, inside]) await sniffer.stop();
    expect(await outside.count(`eth.src == ${client.mac} && bootp`)).toBe(1);
    expect(
      await outside.count(
        `eth.src == ${client.mac} && !arp && !icmpv6 && !dns && !bootp && !(udp.port == 53)`,
      ),
    ).toBe(0);
    expect(await outside.count(`eth.src == ${client.mac} && icmpv6.type in {128, 129}`)).toBe(0);
    expect(
      await inside.count('icmp || icmpv6.type in {128, 129}').then((all) => all > 0),
      'it has asked',
    ).toBe(true);
    expect(
      await inside.count(`(icmp || tcp.port == 80) && eth.src == ${await macOf(scene)}`),
      'nothing has come',
    ).toBe(0);
    for (const sniffer of [outside, inside]) await sniffer.close();
    for (const server of servers) await server.stop();
  });

  it('is no way out: DHCP stays on the link, ND stays on it, and claims to what the network needs are dropped', async () => {
    const [client, { uplink, netns }] = [scene.client(1), scene.lab];
    const outside = await Sniffer.start(uplink);
    const tunnel = (from: number, to: number, address: string) => [
      'python3',
      '-c',
      DATAGRAM,
      `${from}`,
      `${to}`,
      address,
    ];
    await client.netns.must(tunnel(68, 67, UPLINK_IPV4));
    await client.netns.must(tunnel(546, 547, UPLINK_IPV6));
    for (const ip of [UPLINK_IPV4, SWITCH_IPV4])
      await sendFrames(client.netns, 'eth0', [arpAnnouncement(client.mac, ip)]);
    // Its own Ethernet source, another one's MAC inside.
    await sendFrames(client.netns, 'eth0', [
      arpAnnouncement(scene.client(2).mac, '10.99.0.201').replace(
        /^(f{12}).{12}/,
        `$1${client.mac.replaceAll(':', '')}`,
      ),
    ]);
    await client.netns.must(['python3', '-c', DISCOVER]);
    await outside.stop();
    expect(await outside.count(`eth.src == ${client.mac} && ip.dst == 255.255.255.255 && bootp`)).toBe(1);
    const sent = (filter: string) => outside.count(`eth.src == ${client.mac} && ${filter}`);
    expect(await sent('udp && ip.dst != 255.255.255.255 && !dns'), 'DHCP to somebody').toBe(0);
    expect(await sent('udp && ipv6'), 'DHCPv6 to somebody').toBe(0);
    expect(await sent(`arp.src.proto_ipv4 == ${UPLINK_IPV4}`), 'a claim to the name server').toBe(0);
    expect(await sent(`arp.src.proto_ipv4 == ${SWITCH_IPV4}`), 'a claim to the switch').toBe(0);
    expect(
      await sent(`arp.src.proto_ipv4 == 10.99.0.201 && arp.src.hw_mac == ${client.mac}`),
      'as itself',
    ).toBe(1);
    expect(
      await outside.count(`arp.src.hw_mac == ${scene.client(2).mac} && arp.src.proto_ipv4 == 10.99.0.201`),
    ).toBe(0);
    const known = await netns.must(['ip', 'neigh', 'show', UPLINK_IPV4]);
    expect(known).not.toContain(client.mac);
    await outside.close();
  });

  it('is nobody of the network: whose MAC is behind the uplink is not let in, and nothing is taken from it', async () => {
    const [liar, { uplink }] = [scene.client(4), scene.lab];
    const mac = await macOf(scene);
    await uplink.must(['ping', '-n', '-q', '-c', '1', SWITCH_IPV4]);
    await liar.netns.ip(`link set eth0 address ${mac}`);
    const speech = liar.netns.start({ name: 'a liar', argv: ['ping', '-n', '-q', SWITCH_IPV4] });
    await until(
      'a refusal',
      async () => JSON.stringify(await scene.decisions({ mac })).includes('behind the uplink up0'),
      20_000,
    );
    expect((await scene.lab.fdb(mac)).map(({ ifname }) => ifname)).toEqual(['up0']);
    expect((await uplink.run(['ping', '-n', '-q', '-c', '2', '-W', '1', SWITCH_IPV4])).code).toBe(0);
    await speech.stop();
    await liar.netns.ip(`link set eth0 address ${liar.mac}`);
  });

  it('is still held when somebody has flushed the rules', async () => {
    const client = scene.client(1);
    expect(scene.events('warning'), 'until then').toEqual([]);
    await scene.lab.netns.must(['nft', 'delete', 'table', 'bridge', TABLE]);
    await scene.waitForEvent('warning', { code: 'confinement' });
    expect(await scene.lab.netns.must(['nft', 'list', 'set', 'bridge', TABLE, 'confined'])).toContain(
      client.mac,
    );
    expect(await ping(client, UPLINK_IPV4)).toBe(false);
    expect(await methodOf(client)).toBe('portal');
  });

  it('with a wrong password: said at the field, and nowhere is the password written', async () => {
    const page = await browser.open();
    await logIn(page, 'alice', WRONG);
    expect(await page.title()).toMatch(/^Not logged in/);
    expect(await page.getByRole('alert').textContent()).toContain('The server says: refused by the lab');
    const field = page.getByLabel('Password');
    const said = await field.getAttribute('aria-describedby');
    expect(await page.locator(`#${said}`).textContent()).toBe(
      'Check the user name and enter the password again.',
    );
    expect(await page.getByLabel('User name').inputValue()).toBe('alice');
    expect(await field.inputValue()).toBe('');
    await scene.waitForEvent('auth-failed', { method: 'web', reason: 'access-reject', user_name: 'alice' });
    expect(await methodOf(scene.client(1))).toBe('portal');
    await page.context().close();
  });

  it('logs in: who, since when, how long still; and everything passes', async () => {
    const client = scene.client(1);
    const page = await browser.open();
    await logIn(page, 'alice', PASSWORD);
    expect(await heading(page)).toBe('You are logged in');
    expect(page.url()).toBe(PAGE);
    const facts = await page.locator('dl').textContent();
    expect(facts).toMatch(/Useralice.*Logged in bythis page.*Time online[0-2] s.*Time left59 min 5\d s/s);
    expect(await scene.session(client)).toMatchObject({
      method: 'web',
      user_name: 'alice',
      ipv4: client.ipv4,
    });
    expect(await canReach(client, UPLINK_IPV4)).toBe(true);
    expect(
      await scene.radius.waitForAccounting({ 'User-Name': 'alice', 'Acct-Status-Type': 'Start' }),
    ).toMatchObject({
      'NAS-Port-Id': client.port,
      'Framed-IP-Address': client.ipv4,
    });
    expect(await scene.lab.netns.must(['nft', 'list', 'set', 'bridge', TABLE, 'confined'])).not.toContain(
      client.mac,
    );
    await page.context().close();
  });

  it('logs out: said so, the record says User-Request, and nothing passes but the page', async () => {
    const client = scene.client(1);
    const page = await browser.open();
    await page.goto(PAGE);
    await logOut(page);
    expect(await heading(page)).toBe('You are logged out');
    expect(await page.getByRole('status').textContent()).toMatch(/^alice was logged in for \d/);
    await scene.waitForEvent('session-end', { method: 'web', cause: 'web-logout', user_name: 'alice' });
    expect(
      await scene.radius.waitForAccounting({ 'User-Name': 'alice', 'Acct-Status-Type': 'Stop' }),
    ).toMatchObject({
      'Acct-Terminate-Cause': 'User-Request',
    });
    await until('the page again', async () => (await methodOf(client)) === 'portal');
    expect(await ping(client, UPLINK_IPV4)).toBe(false);
    await page.getByRole('link', { name: 'Log in again' }).click();
    expect(await page.getByRole('status').textContent()).toContain('You have logged out.');
    await page.context().close();
  });

  it('whose time is up reads so, and can log in again', async () => {
    const page = await browser.open();
    await logIn(page, 'brief', PASSWORD);
    expect(await heading(page)).toBe('You are logged in');
    await scene.waitForEvent('session-end', { method: 'web', cause: 'session-timeout' });
    await until('the page again', async () => (await methodOf(scene.client(1))) === 'portal');
    await page.goto(PAGE);
    expect(await heading(page)).toBe('Log in to the network');
    expect(await page.getByRole('status').textContent()).toContain('Your session has expired');
    await page.context().close();
  });
});

describe('what is shown', () => {
  const open = (dark: boolean) => browser.open({ dark, scripts: true });

  it.each([
    { name: 'light', dark: false },
    { name: 'dark', dark: true },
  ])('fits 360 px and WCAG 2.2 AA, $name', async ({ name, dark }) => {
    const page = await open(dark);
    const look = async (what: string): Promise<void> => {
      expect(await isTooWide(page), `${what} is too wide`).toBe(false);
      if (PICTURES !== undefined)
        await page.screenshot({ path: path.join(PICTURES, `web-${what}-${name}.png`) });
      expect(await accessibilityFaults(page), what).toEqual([]);
    };
    await page.goto(PAGE);
    await look('login');
    await logIn(page, 'alice', WRONG);
    await look('wrong-password');
    await logIn(page, 'alice', PASSWORD);
    await look('status');
    await logOut(page);
    await look('logged-out');
    await until('the page again', async () => (await methodOf(scene.client(1))) === 'portal');
    await page.goto(`${PAGE}nowhere`);
    await look('problem');
    const ground = String(await page.evaluate('getComputedStyle(document.body).backgroundColor'));
    expect(ground).toBe(dark ? 'rgb(15, 19, 23)' : 'rgb(243, 244, 246)');
    await page.context().close();
  });
});

describe('others on the switch', () => {
  it('a user of 802.1X sees their own session, and logs out there', async () => {
    const client = scene.client(2);
    const supplicant = await scene.logIn(client, 'carol');
    const page = (await curl(client, PAGE)).stdout;
    expect(page).toContain('<dd>carol</dd>');
    expect(page).toContain('your device (802.1X)');
    expect(page).toContain('no limit');
    const said = await curl(client, `${PAGE}logout`, '-d', `form=${formWord(page)}`);
    expect(said.stdout).toContain('carol was logged in for');
    await supplicant.close();
    await scene.waitForEvent('session-end', { method: 'dot1x', cause: 'web-logout', user_name: 'carol' });
    expect(
      await scene.radius.waitForAccounting({ 'User-Name': 'carol', 'Acct-Status-Type': 'Stop' }),
    ).toMatchObject({
      'Acct-Terminate-Cause': 'User-Request',
    });
  });

  it("with another one's address sees its own page, and cannot log the other out", async () => {
    const [owner, thief] = [scene.client(2), scene.client(3)];
    await becomeStranger(thief);
    await until('its place at the page', async () => (await methodOf(owner)) === 'portal', 20_000);
    const form = formWord((await curl(owner, PAGE)).stdout);
    await curl(owner, `${PAGE}login`, '-d', `form=${form}&user=carol&password=${PASSWORD}`);
    const page = (await curl(owner, PAGE)).stdout;
    expect(page).toContain('<dd>carol</dd>');
    await thief.netns.ip(`addr add ${owner.ipv4}/24 dev eth0`);
    const claim = arpAnnouncement(thief.mac, owner.ipv4);
    await sendFrames(thief.netns, 'eth0', [claim]);
    const stolen = await curl(thief, '--interface', owner.ipv4, PAGE);
    expect(stolen.stdout).toContain('Log in to the network');
    expect(stolen.stdout).not.toContain('carol');
    await sendFrames(thief.netns, 'eth0', [claim]);
    await curl(thief, '--interface', owner.ipv4, `${PAGE}logout`, '-d', `form=${formWord(page)}`);
    expect(await scene.session(owner)).toMatchObject({ user_name: 'carol', method: 'web' });
    await thief.netns.ip(`addr del ${owner.ipv4}/24 dev eth0`);
    await sendFrames(owner.netns, 'eth0', [arpAnnouncement(owner.mac, owner.ipv4)]);
  });

  it("with another one's MAC in its ARP is not taken for it: neither shown its page nor able to log it out", async () => {
    const [owner, thief] = [scene.client(2), scene.client(3)];
    const word = formWord((await curl(owner, PAGE)).stdout);
    const visit = (claimed: string, request: string) => visitWithClaim(thief, claimed, request);
    const look = `GET / HTTP/1.1\r\nHost: ${SWITCH_IPV4}\r\n\r\n`;
    const form = `form=${word}`;
    const logout = [
      'POST /logout HTTP/1.1',
      `Host: ${SWITCH_IPV4}`,
      'Content-Type: application/x-www-form-urlencoded',
      `Content-Length: ${form.length}`,
      '',
      form,
    ].join('\r\n');
    expect(await visit(thief.mac, look), 'by its own').toContain('Log in to the network');
    expect(await visit(owner.mac, look), "by another one's").not.toContain('carol');
    expect(await visit(owner.mac, logout), 'a logout').not.toContain('logged out');
    expect(await scene.session(owner)).toMatchObject({ user_name: 'carol', method: 'web' });
  });

  it('who is on no controlled port is shown nothing', async () => {
    const said = await scene.lab.uplink.run(['curl', '-s', '-m', '4', '-w', '%{http_code}', PAGE]);
    expect(said.stdout).toContain('Nothing to log in to here');
    expect(said.stdout).toMatch(/403$/);
  });
});

describe('ten thousand hostile requests', () => {
  const REQUESTS = 10_000;

  it('change nothing, are counted, and leave the agent as large as it was', {
    timeout: 120_000,
  }, async () => {
    const [villain, victim] = [scene.client(3), scene.client(2)];
    const kept = await scene.session(victim);
    expect(kept).toMatchObject({ user_name: 'carol' });
    const before = await scene.drops();
    const failed = scene.events('auth-failed').length;
    const size = residentKb(scene.agent.pid);
    const program = await bundledProgram('test/rigs/lab/hostile-http.ts');
    const said = await villain.netns.must(['node', program, SWITCH_IPV4, '80', `${REQUESTS}`, '20'], {
      timeoutMs: 100_000,
    });
    const { sent, statuses, unanswered } = JSON.parse(said) as Outcome;
    expect(sent).toBe(REQUESTS);
    expect(Object.keys(statuses).filter((status) => !/^(100|200|303|4\d\d)$/.test(status))).toEqual([]);
    for (const status of [400, 403, 404, 405, 408, 413, 415, 421, 429, 431])
      expect(statuses[status] ?? 0, `${status} in ${said}`).toBeGreaterThan(0);
    expect(unanswered).toBeLessThan(REQUESTS / 2);

    const after = await scene.drops();
    const counted = Object.entries(after)
      .filter(([name]) => name.startsWith('web-'))
      .reduce((sum, [name, count]) => sum + count - (before[name] ?? 0), 0);
    expect(counted).toBeGreaterThan(REQUESTS * 0.8);
    expect(scene.agent.isRunning).toBe(true);
    expect(scene.agent.lines.filter((line) => /"level":"(error|fatal)"/.test(line))).toEqual([]);
    expect(residentKb(scene.agent.pid) - size).toBeLessThan(40_000);
    expect(scene.events('auth-failed')).toHaveLength(failed);
    expect(await scene.session(victim)).toMatchObject({ session_id: kept?.session_id });
    expect(await methodOf(villain)).toBe('portal');
    const began = Date.now();
    expect((await curl(victim, PAGE)).stdout).toContain('<dd>carol</dd>');
    expect(Date.now() - began).toBeLessThan(1_000);
  });
});

describe('in the end', () => {
  it('after a kill a stranger is one still, held all the while, and a user when it has logged in', async () => {
    const client = scene.client(1);
    await scene.agent.kill();
    expect(await ping(client, UPLINK_IPV4), 'while nobody is there').toBe(false);
    await scene.agent.start();
    expect(await ping(client, UPLINK_IPV4)).toBe(false);
    await becomeStranger(client);
    const form = formWord((await curl(client, PAGE)).stdout);
    const said = await curl(client, `${PAGE}login`, '-d', `form=${form}&user=carol&password=${PASSWORD}`);
    expect(said.stderr).toBe('');
    expect(await methodOf(client)).toBe('web');
    expect(await canReach(client, UPLINK_IPV4)).toBe(true);
    const page = (await curl(client, PAGE)).stdout;
    await curl(client, `${PAGE}logout`, '-d', `form=${formWord(page)}`);
    await until('the page again', async () => (await methodOf(client)) === 'portal');
  });

  it('without a server: said so within its time', async () => {
    scene.radius.freeze();
    const page = await browser.open();
    await logIn(page, 'alice', PASSWORD);
    expect(await page.getByRole('alert').textContent()).toContain('the login server cannot be reached');
    scene.radius.thaw();
    await page.context().close();
  });

  it('no password is in a line of the log, a message, or the story of a MAC; every RADIUS packet is authentic', async () => {
    const told = [
      ...scene.agent.lines,
      ...scene.upstream.messages.map(({ payload }) => payload),
      JSON.stringify(await scene.decisions(scene.client(1))),
    ];
    for (const word of [PASSWORD, WRONG, encodeURIComponent(WRONG), WRONG.replaceAll(' ', '+')])
      expect(told.filter((text) => text.includes(word))).toEqual([]);
    const proof = await witness.proof();
    expectProven(proof);
    expect(proof.codes['Access-Reject']).toBeGreaterThanOrEqual(3);
  });
});

interface Outcome {
  readonly sent: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly unanswered: number;
}

function residentKb(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

async function macOf({ lab }: Scene): Promise<string> {
  const [link] = JSON.parse(await lab.uplink.must(['ip', '-j', 'link', 'show', 'eth0'])) as readonly Facts[];
  return String(link?.address);
}
