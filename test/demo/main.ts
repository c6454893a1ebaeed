// `make demo`: the lives of three users and a printer on a switch made of network namespaces, with real peers.
//
//   alice logs in by PEAP, works, and is gone without a word: probes, and out after N silent periods.
//   bob logs in, says nothing by himself, but answers probes: he stays, until the RADIUS server wants him out.
//   carol logs in and logs off.
//   the printer speaks no 802.1X, and gets in by its MAC.
//
// What is shown is what independent witnesses saw (witnesses.ts); at the end it is checked against what should have
// been. Exit code 0 only if all of it was. Leaves nothing behind.

import Table from 'cli-table3';
import pc from 'picocolors';
import { Agent } from '../rigs/lab/agent.ts';
import { Broker } from '../rigs/lab/broker.ts';
import { becomeArpOnly, fallSilent, ping } from '../rigs/lab/client.ts';
import { radclient } from '../rigs/lab/dynauth.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { LabSwitch, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';
import { Timeline } from './timeline.ts';
import { type Person, Witnesses } from './witnesses.ts';

const T_S = 2;
const N = 3;
/** A wheel tick, a dump of the table, and the witness' own delay. */
const SLACK_S = 0.4;
const PASSWORD = 'correct horse';

interface Check {
  readonly what: string;
  readonly expected: string;
  readonly seen: string;
  readonly ok: boolean;
}

class Demo {
  private readonly timeline = new Timeline();
  private readonly checks: Check[] = [];
  private readonly closers: (() => Promise<unknown> | unknown)[] = [];

  /** True if everything was as it should be. */
  async run(): Promise<boolean> {
    try {
      await this.play();
    } catch (error) {
      this.checks.push({
        what: 'the story goes on to its end',
        expected: 'yes',
        seen: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error),
        ok: false,
      });
    } finally {
      await this.close();
    }
    return this.conclude();
  }

  async close(): Promise<void> {
    for (const close of this.closers.splice(0).reverse()) await close();
  }

  private async play(): Promise<void> {
    const { timeline } = this;
    timeline.add('story', 'a switch is built: bridge br0, four client ports, an uplink');
    const lab = await LabSwitch.create({ ports: 4 });
    this.closers.push(() => lab.close());
    const names = ['alice', 'bob', 'carol', 'printer'];
    const people = names.map((name, i) => ({ name, client: lab.client(i + 1) }));
    const [alice, bob, carol, printer] = people as [Person, Person, Person, Person];
    const users = [alice, bob, carol].map(({ name }) => ({ name, password: PASSWORD }));
    users.push({ name: nameByMac(printer), password: nameByMac(printer) });
    await lab.unplug(printer.client.index);
    const radius = await FreeRadius.start(lab.netns, { users });
    this.closers.push(() => radius.close());
    const broker = await Broker.start(lab.netns);
    this.closers.push(() => broker.close());
    const witnesses = new Witnesses(timeline, people);
    this.closers.push(() => witnesses.close());
    for (const person of [alice, bob, carol]) witnesses.watchWire(person);
    await witnesses.watch(lab, radius, broker);

    timeline.add(
      'story',
      `FreeRADIUS and mosquitto run; Rollcall starts and locks the ports (T = ${T_S} s, N = ${N})`,
    );
    const agent = await Agent.start(lab.netns, {
      roles: { default: { handshake: { period_s: T_S, times: N } } },
      handshake: { hold_after_link_up_s: 0 },
      ports: { [printer.client.port]: { mab: { enabled: true, delay_s: 1 } } },
    });
    this.closers.push(() => agent.close());
    await this.strangerIsKeptOut(alice);
    for (const person of [alice, bob, carol]) await this.logIn(person);
    await this.carolLogsOff(carol);
    await this.aliceVanishes(alice, lab);
    await lab.plug(printer.client.index);
    witnesses.watchWire(printer);
    await this.printerGetsIn(printer);
    await this.bobStays(bob, agent);
    await this.bobIsPutOut(bob, lab);
  }

  private async strangerIsKeptOut({ name, client }: Person): Promise<void> {
    this.timeline.add('story', `nobody has logged in: ${name} tries to reach the other side`);
    this.check(
      'before the login nothing passes',
      'no answer',
      (await ping(client, UPLINK_IPV4)) ? 'answered' : 'no answer',
    );
  }

  private async logIn({ name, client }: Person): Promise<void> {
    this.timeline.add('story', `${name} logs in by PEAP on ${client.port}`);
    const supplicant = await Supplicant.start(client, { method: 'PEAP', identity: name, password: PASSWORD });
    this.closers.push(() => supplicant.close());
    this.supplicants.set(name, supplicant);
    await supplicant.waitFor('authorized');
    const passes = await ping(client, UPLINK_IPV4);
    await this.sawIt('mqtt', new RegExp(`session-start: ${name}`));
    await this.sawIt('radius', new RegExp(`Accounting-Start for ${name}`));
    this.check(`${name} is in`, 'answered', passes ? 'answered' : 'no answer');
  }

  private readonly supplicants = new Map<string, Supplicant>();

  private async carolLogsOff({ name, client }: Person): Promise<void> {
    this.timeline.add('story', `${name} logs off`);
    await this.supplicants.get(name)?.logoff();
    await this.sawIt('mqtt', new RegExp(`session-end: ${name}`));
    await this.sawIt('radius', new RegExp(`Accounting-Stop for ${name}`));
    this.check(`${name} is out`, 'no answer', (await ping(client, UPLINK_IPV4)) ? 'answered' : 'no answer');
    this.checkSeen(`${name}'s Stop`, 'radius', /Stop for carol, (\S+),/, 'User-Request');
  }

  private async aliceVanishes({ name, client }: Person, lab: LabSwitch): Promise<void> {
    const { timeline } = this;
    await ping(client, UPLINK_IPV4);
    await becomeArpOnly(lab.client(2));
    timeline.add(
      'story',
      `${name} is gone without a word: her link stays up. bob says nothing either, but answers`,
    );
    await fallSilent(client);
    // What is on its way to the witnesses.
    await sleep(200);
    const lastFrame = timeline.lastOf('client', /^alice: ping goes out/) ?? timeline.now;
    await this.sawIt('mqtt', /session-end: alice/, (N + 1) * T_S + 5);
    const ended = timeline.lastOf('mqtt', /session-end: alice/) ?? 0;
    await this.sawIt('radius', /Accounting-Stop for alice/);
    const lasted = ended - lastFrame;
    this.checks.push({
      what: 'alice is logged out between N·T and (N+1)·T after her last frame',
      expected: `${N * T_S} to ${(N + 1) * T_S} s (+${SLACK_S} s)`,
      seen: `${lasted.toFixed(2)} s`,
      ok: lasted >= N * T_S && lasted <= (N + 1) * T_S + SLACK_S,
    });
    const probes = timeline.sightings.filter(
      ({ at, side, text }) => at > lastFrame && side === 'client' && text.startsWith('alice: ARP probe'),
    );
    this.check('probes on her wire before that', `${N - 1}`, `${probes.length}`);
    const unsafe = probes.filter(({ text }) => text.includes('tell 0.0.0.0'));
    this.check('none of them from 0.0.0.0', '0', `${unsafe.length}`);
    this.checkSeen("alice's Stop", 'radius', /Stop for alice, (\S+),/, 'Lost-Carrier');
    this.checkSeen('cause upstream', 'mqtt', /session-end: alice, (\S+);/, 'handshake-timeout');
    this.check(
      'her entry in the bridge',
      'none',
      (await lab.fdb(client.mac)).length === 0 ? 'none' : 'still there',
    );
    await this.sawIt('mqtt', new RegExp(`session/${client.mac.replaceAll(':', '-')} cleared`));
    timeline.add('story', 'a stranger at her desk, with her MAC and her IP, finds the port locked');
    await client.netns.must(['nft', 'delete', 'table', 'netdev', 'silent']);
    this.check(
      'a stranger with her MAC',
      'no answer',
      (await ping(client, UPLINK_IPV4)) ? 'answered' : 'no answer',
    );
  }

  private async printerGetsIn(printer: Person): Promise<void> {
    const { client } = printer;
    this.timeline.add(
      'story',
      `a printer is plugged into ${client.port}. It speaks no 802.1X; the server knows its MAC`,
    );
    await this.sawIt('mqtt', new RegExp(`session-start: ${nameByMac(printer)}, by mab`));
    await this.sawIt('radius', new RegExp(`Accounting-Start for ${nameByMac(printer)}`));
    const passes = await ping(client, UPLINK_IPV4);
    this.check('the printer is in', 'answered', passes ? 'answered' : 'no answer');
  }

  private async bobStays({ name, client }: Person, agent: Agent): Promise<void> {
    await sleep(2 * T_S * 1000);
    const answered = this.timeline.count('client', /^bob: ARP reply/);
    this.checks.push({
      what: 'bob answers his probes',
      expected: 'at least 1',
      seen: `${answered}`,
      ok: answered >= 1,
    });
    const online = JSON.stringify(await agent.ask('sessions'));
    this.check(`${name} is still online`, 'yes', online.includes(client.mac) ? 'yes' : 'no');
    this.check('and the printer, and nobody else', '2', `${online.split('"key"').length - 1}`);
  }

  private async bobIsPutOut({ name, client }: Person, lab: LabSwitch): Promise<void> {
    this.timeline.add('story', `the RADIUS server wants ${name} out`);
    const attributes = [`User-Name = "${name}"`];
    const { code } = await radclient(lab.netns, { send: 'disconnect', attributes });
    const entries = await lab.fdb(client.mac);
    this.timeline.add('radius', `Disconnect-Request for ${name} by radclient: ${code}`);
    this.check('what the server hears', 'Disconnect-ACK', code);
    this.check('his entry in the bridge by then', 'none', entries.length === 0 ? 'none' : 'still there');
    await this.sawIt('mqtt', new RegExp(`session-end: ${name}`));
    await this.sawIt('radius', new RegExp(`Accounting-Stop for ${name}`));
    this.checkSeen("bob's Stop", 'radius', /Stop for bob, (\S+),/, 'Admin-Reset');
    this.checkSeen('cause upstream', 'mqtt', /session-end: bob, (\S+);/, 'radius-disconnect');
    const stops = this.timeline.count('radius', /Accounting-Stop/);
    this.check('Accounting-Stops in all', '3', `${stops}`);
  }

  private async sawIt(side: 'mqtt' | 'radius', pattern: RegExp, seconds = 5): Promise<void> {
    await until(
      `${side}: ${pattern.source}`,
      () => this.timeline.lastOf(side, pattern) !== undefined,
      seconds * 1000,
    );
  }

  private check(what: string, expected: string, seen: string): void {
    this.checks.push({ what, expected, seen, ok: expected === seen });
  }

  private checkSeen(what: string, side: 'mqtt' | 'radius', pattern: RegExp, expected: string): void {
    const line = this.timeline.sightings.findLast((each) => each.side === side && pattern.test(each.text));
    this.check(what, expected, (line === undefined ? undefined : pattern.exec(line.text)?.[1]) ?? 'nothing');
  }

  private conclude(): boolean {
    const table = new Table({ head: ['', 'what', 'expected', 'seen'], style: { head: [], border: [] } });
    for (const { what, expected, seen, ok } of this.checks) {
      table.push([ok ? pc.green('ok') : pc.red('OFF'), what, expected, ok ? seen : pc.red(seen)]);
    }
    const passed = this.checks.length > 0 && this.checks.every(({ ok }) => ok);
    const verdict = passed ? pc.green('demo passed') : pc.red('demo FAILED');
    process.stdout.write(`\n${table.toString()}\n\n${verdict} in ${this.timeline.now.toFixed(0)} s\n`);
    return passed;
  }
}

/** As MAB has it by default. */
function nameByMac({ client }: Person): string {
  return client.mac.replaceAll(':', '');
}

const demo = new Demo();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void demo.close().finally(() => process.exit(130));
  });
}
process.exitCode = (await demo.run()) ? 0 : 1;
