// `make deb-test`: the life of the Debian package, from the download to the purge, on a Debian 13 with systemd that is the
// switch of the lab: what docs/install-dent.md says, and then upgrade, crash, standstill, a bad file, removal. Says each step
// when it is done, and ends with 1 at the first that fails. Before that the first boot of an image (first-boot.ts).

import assert from 'node:assert/strict';
import { appendFileSync, copyFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CONFIG, configured } from '../rigs/dent/configuration.ts';
import { Debian } from '../rigs/dent/debian.ts';
import { canReach, ping } from '../rigs/lab/client.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { LabSwitch, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { must, until } from '../rigs/lab/process.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';
import { firstBoot } from './first-boot.ts';

const PASSWORD = 'wonder';
const SECRET = 'testing123';
const EXPOSURE_AT_MOST = 2.0;
const UNIT = '/usr/lib/systemd/system/rollcall.service';

class Life {
  private readonly began = Date.now();
  private readonly undoings: (() => unknown)[] = [];
  private lab!: LabSwitch;
  private radius!: FreeRadius;
  private debian!: Debian;
  private supplicant: Supplicant | undefined;

  constructor(private readonly packages: { readonly first: string; readonly next: string }) {}

  async run(): Promise<void> {
    try {
      await firstBoot(this.packages.first, (text) => this.say(text));
      await this.prepare();
      await this.install();
      await this.configure();
      await this.logIn();
      await this.reload();
      await this.upgrade();
      await this.crash();
      await this.standStill();
      await this.badFile();
      await this.bootAgain();
      await this.remove();
      await this.purge();
    } finally {
      for (const undo of this.undoings.reverse()) await undo();
    }
  }

  private say(text: string): void {
    console.log(`${((Date.now() - this.began) / 1000).toFixed(1).padStart(6)} s  ${text}`);
  }

  private async prepare(): Promise<void> {
    this.lab = await LabSwitch.create({ ports: 2 });
    this.undoings.push(() => this.lab.close());
    this.radius = await FreeRadius.start(this.lab.netns, { users: [{ name: 'alice', password: PASSWORD }] });
    this.undoings.push(() => this.radius.close());
    this.debian = await Debian.create(this.lab.netns);
    this.undoings.push(() => this.debian.close());
    for (const [name, file] of Object.entries(this.packages))
      copyFileSync(file, this.debian.file(`root/${name}.deb`));
    await this.debian.boot();
    this.before = await this.files();
    this.say('a Debian 13 is up');
  }

  private before: ReadonlyMap<string, string> = new Map();

  /** Nobody is locked out by an installation, and what is missing is told. */
  private async install(): Promise<void> {
    await this.debian.must('apt-get install -y /root/first.deb');
    assert.equal((await this.debian.run('systemctl is-enabled rollcall')).stdout.trim(), 'disabled');
    assert.equal((await this.debian.run('systemctl is-active rollcall')).stdout.trim(), 'inactive');
    assert.deepEqual(await this.locked(), [false, false]);
    assert.equal(await ping(this.lab.client(1), UPLINK_IPV4), true);
    const checked = await this.debian.run('rollcall check');
    assert.equal(checked.code, 1);
    assert.match(
      checked.stderr,
      /radius\.servers: fault: the list is empty: it has to be a list of 1 to 16 servers/,
    );
    assert.equal(
      await this.debian.must(`stat -c '%U:%G %a' /etc/rollcall ${CONFIG}`),
      'root:rollcall 750\nroot:rollcall 640\n',
    );
    await this.exposure();
    this.say('installed: not enabled, ports as they were, `rollcall check` says what is missing');
    assert.notEqual((await this.debian.run('systemctl start rollcall')).code, 0);
    assert.equal(await this.show('ExecMainStatus'), '78');
    assert.deepEqual(await this.locked(), [false, false]);
    this.say('started as it is: it refuses (78), and is not started again');
  }

  private async exposure(): Promise<void> {
    const last =
      (await this.debian.must(`systemd-analyze security --offline=true ${UNIT}`)).trim().split('\n').at(-1) ??
      '';
    const figure = Number(/: (\d+\.\d+) /.exec(last)?.[1]);
    assert.ok(figure <= EXPOSURE_AT_MOST, last);
    this.say(
      `systemd-analyze security (${(await this.debian.must('systemctl --version')).split('\n')[0]}): ${figure}`,
    );
  }

  private async configure(): Promise<void> {
    const { debian } = this;
    const file = debian.file(CONFIG);
    // One port by a setting that removal has to undo, too, and the socket by the name that it has without a word.
    const edited = configured(await must(['cat', file]))
      .replace('"p*": {control: auto}', '"p*": {control: auto}\n  p2: {egress: closed}')
      .replace(/^control_socket:.*\n/m, '');
    writeFileSync(file, edited);
    await debian.must(`(umask 077; echo ${SECRET} >/etc/rollcall/radius.secret)`);
    assert.match((await debian.run('rollcall check')).stderr, /cannot read \S+radius\.secret: EACCES/);
    this.say('a secret that root alone may read: `rollcall check` of root says that the agent cannot');
    await debian.must(
      `echo ${SECRET} | install -o rollcall -g root -m 0400 /dev/stdin /etc/rollcall/radius.secret`,
    );
    await debian.must('rollcall check');
    await debian.must('systemctl enable --now rollcall');
    assert.deepEqual(await this.locked(), [true, true]);
    assert.equal(await ping(this.lab.client(1), UPLINK_IPV4), false);
    await until('how it stands', async () =>
      (await this.show('StatusText')).startsWith('2 of 2 controlled ports set and watched, 0 sessions, '),
    );
    const process = await debian.must(`cat /proc/${await this.show('MainPID')}/status`);
    for (const set of ['CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      assert.match(process, new RegExp(`${set}:\\t0{12}3000\\n`));
    assert.match(process, /NoNewPrivs:\t1\nSeccomp:\t2\n/);
    assert.match(await debian.must('rollcall status'), /^switch +sw1\n/);
    const { missing } = (
      JSON.parse(await debian.must('rollcall status --json')) as {
        readonly result: { readonly missing: readonly string[] };
      }
    ).result;
    assert.deepEqual(
      missing.filter((sentence) => !sentence.includes('embedded broker')),
      [],
    );
    const refused = await debian.run('setpriv --reuid nobody --clear-groups rollcall status');
    assert.equal(refused.code, 3);
    assert.match(
      refused.stderr,
      /no right to open \/run\/rollcall\.sock; ask as root, or as a member of its group/,
    );
    this.say(
      'configured: ports are locked, two capabilities, no new rights, seccomp; others than its group are refused',
    );
  }

  private async logIn(): Promise<void> {
    const client = this.lab.client(1);
    this.supplicant = await Supplicant.start(client, {
      method: 'PEAP',
      identity: 'alice',
      password: PASSWORD,
    });
    this.undoings.push(() => this.supplicant?.close());
    await this.supplicant.waitFor('authorized');
    assert.equal(await canReach(client, UPLINK_IPV4), true);
    await this.clean('after the login');
    this.session = await this.sessionId();
    this.say('alice is in, by PEAP');
  }

  private async reload(): Promise<void> {
    const { debian } = this;
    const pid = await this.show('MainPID');
    await debian.must('systemctl reload rollcall');
    await debian.must(`cp ${CONFIG} /root/good.yaml`);
    appendFileSync(debian.file(CONFIG), 'colour: green\n');
    assert.notEqual((await debian.run('systemctl reload rollcall')).code, 0);
    assert.match(await this.journal(), /rollcall\.yaml:\d+: colour: fault: /);
    await debian.must(`cat /root/good.yaml >${CONFIG}`);
    assert.equal(await this.show('MainPID'), pid);
    assert.equal(await ping(this.lab.client(1), UPLINK_IPV4), true);
    this.say('a reload keeps alice; one with a fault is refused, by systemctl, too');
  }

  private async upgrade(): Promise<void> {
    const pid = await this.show('MainPID');
    const said = await this.debian.must('apt-get install -y /root/next.deb');
    assert.notEqual(await this.show('MainPID'), pid);
    assert.equal(await this.show('ActiveState'), 'active');
    assert.deepEqual(await this.locked(), [true, true]);
    assert.match(await must(['cat', this.debian.file(CONFIG)]), /127\.0\.0\.1/);
    assert.doesNotMatch(said, /logging everybody off/);
    await this.goesOn('the upgrade');
  }

  private async crash(): Promise<void> {
    const pid = await this.show('MainPID');
    await this.debian.must('systemctl kill --signal=KILL rollcall');
    await this.startedAgain(pid);
    assert.deepEqual(await this.locked(), [true, true]);
    await this.goesOn('kill -9');
  }

  private async standStill(): Promise<void> {
    const { debian } = this;
    await debian.must('mkdir -p /run/systemd/system/rollcall.service.d');
    writeFileSync(debian.file('root/brief.conf'), '[Service]\nWatchdogSec=4\n');
    await debian.must(
      'cp /root/brief.conf /run/systemd/system/rollcall.service.d/ && systemctl daemon-reload && systemctl restart rollcall',
    );
    const pid = await this.show('MainPID');
    await debian.must(
      'systemctl kill --signal=STOP rollcall; sleep 2; systemctl kill --signal=CONT rollcall; sleep 3',
    );
    assert.equal(await this.show('MainPID'), pid, 'a stall that is shorter than the watchdog');
    await debian.must('systemctl kill --signal=STOP rollcall');
    await this.startedAgain(pid);
    assert.match(await this.journal(), /Watchdog timeout/);
    await debian.must(
      'rm -r /run/systemd/system/rollcall.service.d && systemctl daemon-reload && systemctl restart rollcall',
    );
    // Whoever is interrupted in the middle of its login waits for half a minute by itself.
    await this.goesOn('both');
    this.say(
      'one that stands still is killed by the watchdog (here 4 s) and started again; a stall of half as long is not',
    );
  }

  private async badFile(): Promise<void> {
    const { debian } = this;
    await debian.must(`cp ${CONFIG} /root/good.yaml`);
    appendFileSync(debian.file(CONFIG), 'colour: green\n');
    assert.notEqual((await debian.run('systemctl restart rollcall')).code, 0);
    assert.equal(await this.show('ExecMainStatus'), '78');
    assert.deepEqual(await this.locked(), [true, true]);
    assert.equal(await ping(this.lab.client(2), UPLINK_IPV4), false);
    await debian.must(`cat /root/good.yaml >${CONFIG} && systemctl restart rollcall`);
    this.say('a file with a fault: the agent stays down (78), ports stay locked');
    await this.goesOn('it is mended');
  }

  private async bootAgain(): Promise<void> {
    await this.debian.powerOff();
    await this.debian.boot();
    assert.equal(await this.show('ActiveState'), 'active');
    assert.match(
      await this.debian.must('systemctl status rollcall-lock'),
      /the access ports of br0 are shut until they are locked/,
    );
    assert.match(await this.debian.must('nft list tables'), /^table bridge rollcall_lock_br0$/m);
    await this.goesOn('a boot', false);
  }

  /** Who was in is told to the servers as gone; nobody is let in by it. */
  private async remove(): Promise<void> {
    const said = await this.debian.must('apt-get remove -y rollcall');
    assert.match(said, /rollcall: logging everybody off\n/);
    assert.match(
      said,
      /stays shut[^\n]*\n {2}bridge link set dev p1 locked off\n {2}bridge link set dev p2 locked off flood on mcast_flood on bcast_flood on\n/,
    );
    assert.equal(await this.debian.must('nft list tables'), '');
    assert.deepEqual(await this.locked(), [true, true]);
    assert.equal(await ping(this.lab.client(1), UPLINK_IPV4), false);
    const last = this.radius
      .accounting()
      .slice(-2)
      .map((record) => record['Acct-Status-Type']);
    assert.deepEqual(last, ['Stop', 'Accounting-Off']);
    await this.debian.must('test -f /etc/rollcall/rollcall.yaml');
    await this.debian.must('bridge link set dev p2 locked off flood on mcast_flood on bcast_flood on');
    assert.equal(await canReach(this.lab.client(2), UPLINK_IPV4), true);
    this.say(
      'removed: alice is logged off (Stop, Accounting-Off), ports stay locked, the command that it names opens one',
    );
  }

  private async purge(): Promise<void> {
    await this.debian.must('apt-get purge -y rollcall');
    const after = await this.files();
    const left = [...after].filter(([name, facts]) => this.before.get(name) !== facts).map(([name]) => name);
    const gone = [...this.before.keys()].filter((name) => !after.has(name));
    assert.deepEqual({ left, gone }, { left: [], gone: [] });
    assert.match(await this.debian.must('getent passwd rollcall'), /:\/usr\/sbin\/nologin\n$/);
    assert.equal((await this.debian.run('nft list tables')).stdout, '');
    await this.debian.must('userdel rollcall');
    this.say('purged: nothing is left but the user, which cannot log in');
  }

  /** Alice is in; and in the same session, where it is kept: over everything but a boot. */
  private async goesOn(after: string, isKept = true): Promise<void> {
    const client = this.lab.client(1);
    await until(`alice in after ${after}`, () => ping(client, UPLINK_IPV4), 20_000).catch(async (error) => {
      const explained = await this.debian.run(
        `rollcall explain ${client.mac}; rollcall servers; rollcall ports`,
      );
      throw new Error(`${error}\n${await this.journal()}${explained.stdout}`);
    });
    const session = await this.sessionId();
    await this.clean(`after ${after}`);
    if (isKept) assert.equal(session, this.session, `her session after ${after}:\n${await this.journal()}`);
    this.session = session;
    this.say(`after ${after} alice is ${isKept ? 'in the same session' : 'in again, in another session'}`);
  }

  private session = '';

  private async sessionId(): Promise<string> {
    const { sessions } = (
      JSON.parse(await this.debian.must('rollcall sessions --json')) as {
        readonly result: { readonly sessions: readonly { readonly session_id: string }[] };
      }
    ).result;
    return sessions[0]?.session_id ?? 'none';
  }

  private async startedAgain(pid: string): Promise<void> {
    await until(
      'the agent to be started again',
      async () => {
        const now = await this.show('MainPID');
        return now !== pid && now !== '0' && (await this.show('ActiveState')) === 'active';
      },
      30_000,
    );
  }

  /** No complaint of the kernel's or of a missing right in the journal. */
  private async clean(when: string): Promise<void> {
    const journal = await this.journal();
    assert.doesNotMatch(journal, /EPERM|EACCES|not permitted|permission denied|SECCOMP/i, when);
  }

  private journal(): Promise<string> {
    return this.debian.must('journalctl -b -u rollcall --no-pager -o cat');
  }

  private async show(property: string): Promise<string> {
    return (await this.debian.must(`systemctl show -P ${property} rollcall`)).trim();
  }

  private async locked(): Promise<readonly unknown[]> {
    const flags = await Promise.all(this.lab.clients.map(({ port }) => this.lab.portFlags(port)));
    return flags.map(({ locked }) => locked);
  }

  /** Every file outside of what a running Debian keeps about itself: name, kind, owner and rights. */
  private async files(): Promise<ReadonlyMap<string, string>> {
    const OWN =
      '/proc /sys /dev /run/systemd /run/log /run/dbus /run/credentials /var/log /var/cache /var/lib/dpkg /var/lib/apt /var/lib/systemd/random-seed /tmp /var/tmp /root'
        .split(' ')
        .map((name) => `-path ${name} -prune -o`)
        .join(' ');
    const listed = await this.debian.must(`find / ${OWN} -printf '%p\\t%y %U:%G %m\\n'`, 120_000);
    const users = /^\/etc\/(passwd|group|g?shadow|sub[ug]id)-?$/;
    return new Map(
      listed
        .split('\n')
        .map((line) => line.split('\t') as [string, string])
        .filter(([name]) => name !== '' && !users.test(name)),
    );
  }
}

const [first, next] = process.argv.slice(2).map((file) => path.resolve(file));
if (first === undefined || next === undefined) {
  console.error('usage: node board/run.mjs test/dent/main.ts PACKAGE LATER-PACKAGE');
  process.exitCode = 2;
} else {
  await new Life({ first, next }).run();
}
