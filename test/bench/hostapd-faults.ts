// The faults that apply to a plain 802.1X authenticator, against Rollcall and against stock hostapd (guarded-hostapd.ts says how it is
// put to guard a bridge), one after the other in one run: `node board/run.mjs test/bench/hostapd-faults.ts`, after `make build`
// (root, minutes). Prints the table of docs/reliability.md.
//
// Each fault has a switch of its own, with one user, who has logged in and pings. Counted are answers that the user missed, records
// that the accounting server has of the user's session, and whether somebody passes who bears the user's MAC and has not logged in.

import { accountingRow } from '../rigs/lab/accounting-row.ts';
import { Agent } from '../rigs/lab/agent.ts';
import { canReach, fallSilent, speakAgain } from '../rigs/lab/client.ts';
import { radclient } from '../rigs/lab/dynauth.ts';
import { FreeRadius } from '../rigs/lab/freeradius.ts';
import { LabSwitch, type SwitchClient, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { Pinging } from '../rigs/lab/pinging.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { Supplicant } from '../rigs/lab/supplicant.ts';
import type { AccountingRow } from '../scenarios/stage.ts';
import { GuardedHostapd } from './guarded-hostapd.ts';

const PASSWORD = 'wonder';
/** Longer than hostapd's reauthentication and all its retries. */
const GONE_WITHIN_MS = 120_000;
const AFTER_MS = 10_000;
const BACK_WITHIN_MS = 90_000;
/** What is sent at a session's end, and once more. */
const RECORDS_WITHIN_MS = 15_000;
const STILL_S = (AFTER_MS + BACK_WITHIN_MS) / 1000;
/** The default handshake: T = 15 s, N = 3. */
const ROLES = { default: { handshake: { period_s: 15, times: 3 } } };

/** What is compared. */
interface Contender {
  start(): Promise<unknown>;
  stop(): Promise<unknown>;
  kill(): Promise<unknown>;
  reload(): Promise<void>;
  close(): Promise<void>;
}

interface Scene {
  readonly lab: LabSwitch;
  readonly radius: FreeRadius;
  readonly contender: Contender;
  readonly user: SwitchClient;
  readonly supplicant: Supplicant;
}

interface Outcome {
  readonly user: string;
  readonly accounting: string;
  readonly stranger: string;
}

interface Fault {
  readonly name: string;
  readonly play: (scene: Scene) => Promise<Outcome>;
}

type Contenders = Readonly<Record<string, (lab: LabSwitch) => Promise<Contender>>>;

const CONTENDERS: Contenders = {
  Rollcall: async ({ netns }) => {
    const config = { roles: ROLES, handshake: { hold_after_link_up_s: 0 } };
    const agent = await Agent.start(netns, { ...config, mqtt: { embedded_port: 1884 } }, ['mqtt', 'roles']);
    return {
      start: () => agent.start(),
      stop: () => agent.stop(),
      kill: () => agent.kill(),
      reload: async () => {
        const radius = { accounting: { interim_s: 120 } };
        agent.configure({ ...config, radius, mqtt: { embedded_port: 1884 } }, ['mqtt', 'roles']);
        agent.signal('SIGHUP');
      },
      close: () => agent.close(),
    };
  },
  hostapd: async (lab) => {
    const hostapd = new GuardedHostapd(lab);
    await hostapd.start();
    return hostapd;
  },
};

function isGranted({ lab, user }: Scene): Promise<boolean> {
  return lab.fdb(user.mac).then((entries) => entries.some(({ state }) => state === 'static'));
}

function records({ radius }: Scene): readonly AccountingRow[] {
  return radius.accounting().map(accountingRow);
}

/** Of those whose Start was heard. */
function sessionsOf(scene: Scene): readonly { readonly starts: number; readonly stops: number }[] {
  const ids = new Set(
    records(scene).flatMap(({ sessionId, status }) => (status === 'Start' ? [sessionId] : [])),
  );
  return [...ids].map((id) => {
    const count = (kind: string): number =>
      records(scene).filter(({ sessionId, status }) => sessionId === id && status === kind).length;
    return { starts: count('Start'), stops: count('Stop') };
  });
}

/** `over`: how many of the sessions are over by now, each with one Stop if all is well. */
function bookkeeping(scene: Scene, over: number): string {
  const sessions = sessionsOf(scene);
  const stopped = sessions.filter(({ stops }) => stops > 0).length;
  const doubled = sessions.filter(({ starts, stops }) => starts > 1 || stops > 1).length;
  const said = [`${sessions.length} ${sessions.length === 1 ? 'session' : 'sessions'}`, `${stopped} stopped`];
  const lost = Math.max(0, over - stopped);
  if (lost > 0) said.push(`**${lost} Stop lost**`);
  if (doubled > 0) said.push(`**${doubled} doubled**`);
  return said.join(', ');
}

/** A machine with the user's MAC and address, and no credentials. */
async function strangerPasses({ user, supplicant }: Scene): Promise<string> {
  await supplicant.kill();
  return (await canReach(user, UPLINK_IPV4)) ? '**passes**' : 'is shut out';
}

async function goneWithin(scene: Scene, withinMs: number): Promise<number | undefined> {
  const began = Date.now();
  while (Date.now() - began < withinMs) {
    if (!(await isGranted(scene))) return (Date.now() - began) / 1000;
    await sleep(100);
  }
  return undefined;
}

/** By itself, if at all: a supplicant that was refused tries again after a minute. */
async function comesBack(scene: Scene): Promise<void> {
  const back = () => until('the user in', () => isGranted(scene), BACK_WITHIN_MS);
  await back().catch(() => undefined);
  await sleep(500);
}

/** The user's own view of something that should not concern the user. */
async function undisturbed(scene: Scene, act: () => Promise<unknown>): Promise<Outcome> {
  const pings = new Pinging(scene.user.netns, UPLINK_IPV4);
  await sleep(1_000);
  await act();
  await sleep(AFTER_MS);
  await comesBack(scene);
  const lost = await pings.lost();
  const isIn = await isGranted(scene);
  const sessions = sessionsOf(scene).length;
  const missed = lost === 0 ? 'no ping lost' : `**${lost} pings lost**`;
  const over = isIn ? sessions - 1 : sessions;
  return {
    user: isIn
      ? `${sessions > 1 ? 'logged in anew' : 'stays in'}, ${missed}`
      : `**is out, ${STILL_S} s later, too**`,
    accounting: bookkeeping(scene, over),
    stranger: '',
  };
}

const vanishes: Fault = {
  name: 'the user vanishes without a word (crash behind a desk switch)',
  play: async (scene) => {
    await scene.supplicant.kill();
    await fallSilent(scene.user);
    const goneS = await goneWithin(scene, GONE_WITHIN_MS);
    await sleep(RECORDS_WITHIN_MS);
    await speakAgain(scene.user);
    return {
      user:
        goneS === undefined
          ? `**not noticed within ${GONE_WITHIN_MS / 1000} s**`
          : `out after ${goneS.toFixed(0)} s`,
      accounting: bookkeeping(scene, 1),
      stranger: await strangerPasses(scene),
    };
  },
};

const cable: Fault = {
  name: 'the cable is pulled, and another machine with the same MAC plugged in',
  play: async (scene) => {
    await scene.lab.unplug(1);
    const goneS = await goneWithin(scene, 3_000);
    await scene.supplicant.kill();
    await scene.lab.plug(1);
    await sleep(RECORDS_WITHIN_MS);
    return {
      user: goneS === undefined ? '**not noticed within 3 s**' : `out after ${goneS.toFixed(1)} s`,
      accounting: bookkeeping(scene, 1),
      stranger: await strangerPasses(scene),
    };
  },
};

const flap: Fault = {
  name: 'the link is away for a second, with the same user behind it',
  play: async (scene) => {
    await scene.lab.unplug(1);
    await sleep(1_000);
    await scene.lab.plug(1);
    await comesBack(scene);
    await sleep(RECORDS_WITHIN_MS);
    const isIn = await isGranted(scene);
    const sessions = sessionsOf(scene).length;
    return {
      user: isIn ? (sessions > 1 ? 'logged in anew' : 'stays in') : '**is out**',
      accounting: bookkeeping(scene, isIn ? sessions - 1 : sessions),
      stranger: '',
    };
  },
};

const restart: Fault = {
  name: 'the authenticator is restarted (SIGTERM, start)',
  play: (scene) =>
    undisturbed(scene, async () => {
      await scene.contender.stop();
      await sleep(500);
      await scene.contender.start();
    }),
};

const killed: Fault = {
  name: 'the authenticator is killed (SIGKILL) and started again',
  play: (scene) =>
    undisturbed(scene, async () => {
      await scene.contender.kill();
      await sleep(500);
      await scene.contender.start();
    }),
};

const reload: Fault = {
  name: 'the configuration is reloaded (SIGHUP; another interim interval)',
  play: (scene) => undisturbed(scene, () => scene.contender.reload()),
};

const dark: Fault = {
  name: 'the RADIUS server is away while the user logs off, and the authenticator is restarted meanwhile',
  play: async (scene) => {
    await scene.radius.stop();
    await scene.supplicant.logoff();
    const goneS = await goneWithin(scene, 5_000);
    await sleep(3_000);
    await scene.contender.stop();
    await scene.contender.start();
    await sleep(2_000);
    await scene.radius.start();
    await sleep(40_000);
    return {
      user: goneS === undefined ? '**stays in**' : `out after ${goneS.toFixed(1)} s`,
      accounting: bookkeeping(scene, 1),
      stranger: await strangerPasses(scene),
    };
  },
};

const disconnect: Fault = {
  name: 'a Disconnect-Request for the user (RFC 5176)',
  play: async (scene) => {
    const { code } = await radclient(scene.lab.netns, {
      send: 'disconnect',
      attributes: ['User-Name = "alice"'],
    });
    const goneS = await goneWithin(scene, 5_000);
    await scene.supplicant.kill();
    await sleep(2_000);
    const stop = records(scene).find(({ status }) => status === 'Stop');
    const cause = stop === undefined ? '' : `, cause ${stop.terminateCause ?? '**missing**'}`;
    return {
      user: `${code}; ${goneS === undefined ? '**stays in**' : `out after ${goneS.toFixed(1)} s`}`,
      accounting: `${bookkeeping(scene, 1)}${cause}`,
      stranger: await strangerPasses(scene),
    };
  },
};

const FAULTS: readonly Fault[] = [vanishes, cable, flap, restart, killed, dark, disconnect, reload];

async function play(fault: Fault, make: (lab: LabSwitch) => Promise<Contender>): Promise<Outcome> {
  const lab = await LabSwitch.create({ ports: 1 });
  const closing: (() => unknown)[] = [() => lab.close()];
  try {
    const radius = await FreeRadius.start(lab.netns, {
      users: [{ name: 'alice', password: PASSWORD, reply: {} }],
    });
    closing.push(() => radius.close());
    const contender = await make(lab);
    closing.push(() => contender.close());
    const user = lab.client(1);
    const supplicant = await Supplicant.start(user, { method: 'MD5', identity: 'alice', password: PASSWORD });
    closing.push(() => supplicant.close());
    const scene: Scene = { lab, radius, contender, user, supplicant };
    await supplicant.waitFor('authorized');
    await until('the grant', () => isGranted(scene));
    await until('the user at work', () => canReach(user, UPLINK_IPV4));
    await until('the Start', () => sessionsOf(scene).length === 1);
    return await fault.play(scene);
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

async function main(): Promise<void> {
  const [wanted = ''] = process.argv.slice(2);
  const lines = ['| fault | | user | accounting | stranger with the user’s MAC |', '|---|---|---|---|---|'];
  for (const fault of FAULTS.filter(({ name }) => name.includes(wanted))) {
    for (const [i, [name, make]] of Object.entries(CONTENDERS).entries()) {
      const { user, accounting, stranger } = await play(fault, make);
      lines.push(`| ${i === 0 ? fault.name : ''} | ${name} | ${user} | ${accounting} | ${stranger} |`);
      process.stderr.write(`${lines.at(-1)}\n`);
    }
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

await main();
