// A switch is switched on: nobody passes before the agent has let them in, however early they speak; and what a boot may have wrong:
// a clock that stands in 1970 until somebody sets it, a kernel without its bridge.

import assert from 'node:assert/strict';
import path from 'node:path';
import { must } from '../rigs/lab/process.ts';
import { Sniffer } from '../rigs/lab/sniffer.ts';
import { TimeServer } from '../rigs/lab/time-server.ts';
import type { PoweredScenario, PoweredStage } from '../rigs/qemu/stage.ts';
import { enter, expectIn, expectOut } from '../scenarios/expectations.ts';

const NATIVE = path.resolve(import.meta.dirname, '../../native');
const FLOOD = path.join(NATIVE, 'build/flood');
const SOON_MS = 60_000;
const LONG_S = 900;
/** Beside strangers' frames: an emulated machine has to take them in. */
const PER_SECOND = 1000;

/** Into the wire of a client, from before the machine has power. An interface that is down, or has no carrier, is waited for. */
async function flood(stage: PoweredStage, n: number, mac: string, count: number): Promise<void> {
  const netns = stage.house.lab.clients[n - 1]?.netns;
  if (netns === undefined) throw new Error(`there is no client ${n}`);
  const argv = [FLOOD, 'eth0', `${count}`, `${LONG_S}`, mac, `${PER_SECOND}`];
  const process = netns.start({ name: `flood ${mac}`, argv });
  stage.house.atClose(() => process.stop());
}

/** What of the floods comes out of the uplink. */
async function witness(stage: PoweredStage, butOf?: string): Promise<Sniffer> {
  const but = butOf === undefined ? '' : ` and not ether src ${butOf}`;
  const sniffer = await Sniffer.start(stage.house.lab.uplink, { filter: `ether proto 0x88b5${but}` });
  stage.house.atClose(() => sniffer.close());
  return sniffer;
}

async function heard(sniffer: Sniffer): Promise<number> {
  await sniffer.stop();
  return sniffer.count('frame');
}

const race: PoweredScenario = {
  name: 'frames are flooded into the ports from power-on: none passes before the agent has let its sender in',
  setting: () => ({ machines: 2 }),
  play: async (stage) => {
    await must(['make', '-s', '-C', NATIVE, 'build/flood']);
    const { machine, lab } = stage.house;
    const [first] = lab.clients;
    if (first === undefined) throw new Error('there is no client');
    await flood(stage, 1, '02:f1:00:00:00:00', 1000);
    await flood(stage, 1, first.mac, 1);
    await flood(stage, 2, '02:f2:00:00:00:00', 1000);
    const before = await witness(stage);
    await stage.reboot();
    await stage.pass(3000);
    const received = await machine.must('cat /sys/class/net/lan1/statistics/rx_packets');
    assert.ok(Number(received) > PER_SECOND, `the port has received ${received.trim()} frames by then`);
    assert.equal(await heard(before), 0, 'frames that passed before anybody was let in');
    const said = await machine.must('journalctl -u rollcall-lock -o cat');
    assert.match(said, /lan1 is locked/);

    const strangers = await witness(stage, first.mac);
    const session = await stage.login(stage.machine(1));
    const own = await witness(stage);
    await stage.pass(1000);
    assert.ok((await heard(own)) > 0, 'its own frames pass now');
    await expectIn(stage, stage.machine(1), session);
    await stage.house.killAgent();
    await stage.until(
      'the agent online again',
      async () => (await machine.run('rollcall status')).code === 0,
      SOON_MS,
    );
    assert.equal(await heard(strangers), 0, 'frames of anybody else, over the crash of the agent too');
  },
};

const clock: PoweredScenario = {
  name: 'the clock stands in 1970 until a time server is heard: who came in before stays in, and is billed for the time that it was in',
  setting: () => ({
    machines: 1,
    excuses: { records: 'the session has its Start in 1970 and its Stop half a century later' },
  }),
  play: async (stage) => {
    const { machine } = stage.house;
    await machine.must(
      // What is kept here is the time that systemd-timesyncd would begin with.
      'systemctl stop rollcall systemd-timesyncd && rm -rf /var/lib/systemd/timesync && date -s "1970-01-01 06:00:00" && systemctl start rollcall',
    );
    await stage.until(
      'the agent to answer',
      async () => (await machine.run('rollcall status')).code === 0,
      SOON_MS,
    );
    const began = stage.now();
    const session = await enter(stage, stage.machine(1));
    assert.match(session.started, /^1970-/);
    const start = await stage.until(
      'its Start',
      async () => (await stage.accounting()).find(({ sessionId }) => sessionId === session.session_id),
      SOON_MS,
    );
    assert.ok(start.eventS < 86_400 && start.delayS < 60, JSON.stringify(start));
    const refused = await disconnect(stage, session.session_id);
    assert.notEqual(refused, 'Disconnect-ACK', 'what is stamped with a time that is not now');

    const server = await TimeServer.start(stage.house.services);
    stage.house.atClose(() => server.close());
    await machine.must('systemctl start systemd-timesyncd');
    stage.house.atClose(() => machine.must('systemctl stop systemd-timesyncd'));
    await stage.until('the clock to be set', async () => (await offset(stage)) < 5, SOON_MS);
    await stage.pass(2 * stage.timing.periodS * 1000);
    await expectIn(stage, stage.machine(1), session);
    assert.equal(await stage.passes(stage.machine(1)), true);
    assert.equal(await disconnect(stage, session.session_id), 'Disconnect-ACK');
    await expectOut(stage, stage.machine(1));
    const end = await stage.until('its end', () => stage.events('session-end').at(-1), SOON_MS);
    const wasIn = (stage.now() - began) / 1000;
    assert.ok(end.session_time_s <= wasIn, `${end.session_time_s} s, of ${wasIn} at most`);
    assert.ok(Math.abs(Date.parse(end.decided) - stage.now()) < SOON_MS, end.decided);
    const stop = await stage.until(
      'its Stop',
      async () =>
        (await stage.accounting()).find(
          ({ status, sessionId }) => status === 'Stop' && sessionId === session.session_id,
        ),
      SOON_MS,
    );
    assert.equal(stop.sessionTimeS, end.session_time_s);
    assert.ok(stop.delayS < 60 && Math.abs(stop.eventS - stage.now() / 1000) < 60, JSON.stringify(stop));
  },
};

/** How far the switch's clock is off, in seconds. */
async function offset(stage: PoweredStage): Promise<number> {
  return Math.abs(Number(await stage.house.machine.must('date +%s')) - stage.now() / 1000);
}

async function disconnect(stage: PoweredStage, sessionId: string): Promise<string> {
  const stamped = `Event-Timestamp = ${Math.floor(stage.now() / 1000)}`;
  const attributes = [`Acct-Session-Id = "${sessionId}"`, stamped];
  return (await stage.house.radclient({ send: 'disconnect', attributes })).code;
}

const HIDDEN = '/root/bridge.ko.hidden';
const MODULE = '$(find /lib/modules/$(uname -r) -name "bridge.ko*" | head -n 1)';

const noModule: PoweredScenario = {
  name: 'the kernel module of the bridge is missing: the agent says what is, and goes on when it is there',
  setting: () => ({ machines: 1 }),
  play: async (stage) => {
    const { machine } = stage.house;
    const config = await machine.must('ip -j -d link show br0');
    assert.match(config, /"bridge"/);
    await machine.must(`set -e
systemctl stop rollcall rollcall-lock
nft flush ruleset
ip link del br0
modprobe -r nft_meta_bridge br_netfilter 2>/dev/null || :
modprobe -r bridge
file=${MODULE}
echo "$file" >${HIDDEN}.name
mv "$file" ${HIDDEN}
depmod -a
systemctl start rollcall`);
    // The agent's service does not see the kernel's modules; who asks as root hears more.
    await stage.until(
      'the agent to say so',
      async () =>
        /module bridge is not loaded.*installed for/s.test((await machine.run('rollcall status')).stdout),
      SOON_MS,
    );
    const checked = await machine.run('rollcall check -c /etc/rollcall/rollcall.yaml');
    assert.match(checked.stdout + checked.stderr, /module bridge is missing in \/lib\/modules/);
    await machine.must(`set -e
mv ${HIDDEN} "$(cat ${HIDDEN}.name)"
depmod -a
ip link add br0 address 02:99:00:00:00:fe type bridge forward_delay 0 stp_state 0 mcast_snooping 0
for port in up0 lan1; do ip link set $port master br0 up; done
ip link set br0 up
ip address add 10.99.0.1/24 dev br0
ip address add fd00:99::1/64 dev br0 nodad`);
    await stage.until('the port to be locked', () => isLocked(stage), SOON_MS);
    await enter(stage, stage.machine(1));
  },
};

async function isLocked(stage: PoweredStage): Promise<boolean> {
  return (await stage.house.lab.portFlags('p1')).locked === true;
}

export const BOOT: readonly PoweredScenario[] = [race, clock, noModule];
