// The faults of docs/reliability.md that no other test of the lab brings about (that page names all of them): one house, in which a user
// is at work all the while, and whom nothing of it may disturb but what takes the bridge away from everybody.

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConfigPart } from '../rigs/config-part.ts';
import { accountingRow } from '../rigs/lab/accounting-row.ts';
import { canReach, ping, talker } from '../rigs/lab/client.ts';
import { LabClock } from '../rigs/lab/clock.ts';
import {
  AGENT_KILLED,
  BRIDGE_GONE,
  BROKER_SILENT,
  captureOverflows,
  clockSteps,
  type Fault,
  floodProgram,
  MEMORY_CEILING,
  mediumFull,
  mediumHangs,
  mediumReadOnly,
  NO_DESCRIPTORS,
  NOTICES_LOST,
  portFlaps,
} from '../rigs/lab/faults.ts';
import { SceneHouse } from '../rigs/lab/house.ts';
import { assertInvariants } from '../rigs/lab/invariants.ts';
import { Medium } from '../rigs/lab/medium.ts';
import { type SwitchClient, UPLINK_IPV4 } from '../rigs/lab/netns.ts';
import { Pinging } from '../rigs/lab/pinging.ts';
import { sleep, until } from '../rigs/lab/process.ts';
import { type Facts, PASSWORD, Scene, TOPIC_BASE } from '../rigs/lab/scene.ts';
import type { Supplicant } from '../rigs/lab/supplicant.ts';
import type { AccountingRow } from '../scenarios/stage.ts';

const T_S = 1;
const N = 3;
/** Longer than any silence that is borne. */
const JUDGED_MS = (N + 1) * T_S * 1000 + 500;
const DEVICE = '029900000003';
const STRANGER = '02:66:00:00:00:01';

const CONFIG: ConfigPart = {
  handshake: { hold_after_link_up_s: 0 },
  dot1x: { quiet_period_s: 1, tx_period_s: 5 },
  roles: { default: { handshake: { period_s: T_S, times: N } } },
  ports: {
    'p*': { control: 'auto' },
    p2: { link_down_delay_s: 3 },
    p3: { mab: { enabled: true, delay_s: 0 } },
  },
  radius: {
    retransmission: { accounting: { irt_s: 1, mrt_s: 2, mrc: 0, mrd_s: 0 } },
    dynamic_authorization: { bounce_s: 1 },
  },
};

let medium: Medium;
let clock: LabClock;
let scene: Scene;
let worker: SwitchClient;
/** Of the worker's session, from its beginning. */
let session: Facts;
let other: Supplicant;
/** When the second user's session began. */
let otherSince: number;

beforeAll(async () => {
  medium = Medium.create();
  clock = await LabClock.create();
  scene = await Scene.open({
    ports: 4,
    radius: {
      users: [
        // An hour by the server's word, which no step of the clock ends.
        { name: 'worker', password: PASSWORD, reply: { 'Session-Timeout': 3600 } },
        { name: 'other', password: PASSWORD, reply: {} },
        { name: 'third', password: PASSWORD, reply: {} },
        { name: DEVICE, password: DEVICE, reply: {} },
      ],
    },
    config: { ...CONFIG, state_dir: medium.path },
    env: clock.env,
  });
  worker = scene.client(1);
  await scene.logIn(worker, 'worker');
  other = await scene.logIn(scene.client(2), 'other');
  otherSince = Date.now();
  for (const client of [worker, scene.client(2)]) {
    expect(await canReach(client, UPLINK_IPV4)).toBe(true);
    const talking = await talker(client, 500);
    scene.atClose(() => talking.stop());
  }
  session = await sessionOf(worker);
});

afterAll(async () => {
  try {
    await scene?.close();
  } finally {
    clock?.close();
    medium?.close();
  }
});

async function sessionOf(client: SwitchClient): Promise<Facts> {
  return until(`a session of ${client.mac}`, async () => (await scene.session(client)) ?? null, 15_000);
}

function rows(): readonly AccountingRow[] {
  return scene.radius.accounting().map(accountingRow);
}

function stopOf(sessionId: unknown): Promise<AccountingRow> {
  return until(
    `the Stop of ${sessionId}`,
    () => rows().find((row) => row.status === 'Stop' && row.sessionId === sessionId) ?? null,
  );
}

function warnings(code: string): readonly Facts[] {
  return scene.events('warning').filter((warning) => warning.code === code);
}

/** `during` and what it leaves do not touch the worker: no ping is lost, no session is another, no record is written. */
async function disturbsNobody(during: () => Promise<void>): Promise<void> {
  const ends = scene.ends(worker).length;
  const pings = new Pinging(worker.netns, UPLINK_IPV4);
  await during();
  await sleep(1_000);
  expect(await pings.lost()).toBe(0);
  expect(scene.ends(worker).slice(ends)).toEqual([]);
  expect((await sessionOf(worker)).session_id).toBe(session.session_id);
  expect(await scene.lab.fdb(worker.mac)).toHaveLength(1);
}

async function whileIt<T>(fault: Fault, during: () => Promise<T>): Promise<T> {
  await fault.begin(scene);
  try {
    return await during();
  } finally {
    await fault.end(scene);
  }
}

/** The second user leaves and is in again. Nobody asks the agent of it, who may have no answer to give. */
async function leaveAndCome(): Promise<void> {
  const { mac } = scene.client(2);
  const ends = scene.ends({ mac }).length;
  await other.logoff();
  await until('the end', () => scene.ends({ mac }).length > ends);
  expect(scene.ends({ mac }).at(-1)).toMatchObject({ cause: 'supplicant-logoff' });
  await other.logon();
  await other.waitFor('authorized');
  otherSince = Date.now();
}

describe('the agent’s own means', () => {
  it('no file descriptor is left: who is in stays, who logs in gets in, it is told, and it is over when it is over', async () => {
    const port = scene.client(4).port;
    await disturbsNobody(() =>
      whileIt(NO_DESCRIPTORS, async () => {
        await scene.waitForEvent('warning', { code: 'descriptors' });
        await leaveAndCome();
        // Its capture gives one back before it takes one.
        await scene.lab.setPort(port, 'down');
        await scene.lab.setPort(port, 'up');
        // The packet filter is written by a program, which cannot be run.
        await scene.agent.waitForLog(/uplink guard, tried again: nft: .*EMFILE/);
      }),
    );
    await scene.waitForEvent('warning', { code: 'descriptors-recovered' });
    const table = () => scene.lab.netns.must(['nft', 'list', 'table', 'bridge', 'rollcall_br0']);
    await until('the guard, made anew', async () => (await table()).includes(scene.client(2).mac));
    expect(await table()).toContain(worker.mac);
  });

  it('no more memory is to be had: it ends by a signal, its ports stay locked, and the next start goes on', async () => {
    await disturbsNobody(async () => {
      await MEMORY_CEILING.begin(scene);
      // What it takes to answer is too much.
      const asking = scene.lab.netns.run(['python3', '-c', ASKER, scene.agent.socket]);
      const code = await until('its end', () => scene.agent.exitCode, 20_000);
      expect(code).toBeGreaterThanOrEqual(128);
      await asking;
      expect((await scene.lab.portFlags('p4')).locked).toBe(true);
      await MEMORY_CEILING.end(scene);
    });
  });
});

/** Asks, and asks again, until nobody is there to answer. */
const ASKER = `
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
try:
    while True:
        s.sendall(b'{"verb": "info"}\\n{"verb": "sessions"}\\n' * 20)
        s.recv(1 << 20)
except OSError:
    pass
`;

describe('the clock of the machine', () => {
  it.each([5, -5])(
    'is stepped by %i hours: nobody is out, durations are right, times are those of the new clock',
    async (hours) => {
      const before = await sessionOf(scene.client(2));
      await disturbsNobody(() =>
        whileIt(clockSteps(clock, hours), async () => {
          await sleep(JUDGED_MS);
          const now = clock.now() / 1000;
          // By the monotonic clock.
          const lasted = (Date.now() - otherSince) / 1000;
          await leaveAndCome();
          const stop = await stopOf(before.session_id);
          expect(Math.abs(stop.eventS - now)).toBeLessThanOrEqual(3);
          expect(Math.abs((stop.sessionTimeS ?? 0) - lasted)).toBeLessThanOrEqual(2);
          expect(stop.delayS).toBeLessThanOrEqual(2);
        }),
      );
      await leaveAndCome();
    },
  );
});

describe('the disk', () => {
  it('is full: logins and logouts go on, and so does a start', async () => {
    await disturbsNobody(() =>
      whileIt(mediumFull(medium), async () => {
        await leaveAndCome();
        await whileIt(AGENT_KILLED, async () => undefined);
        await leaveAndCome();
      }),
    );
  });

  it('hangs: nobody waits for it but the records', async () => {
    const third = scene.client(4);
    await disturbsNobody(() =>
      whileIt(mediumHangs(medium), async () => {
        await scene.logIn(third, 'third');
        await sleep(JUDGED_MS / 2);
        expect(rows().filter(({ userName }) => userName === 'third')).toEqual([]);
      }),
    );
    const { session_id: id } = await sessionOf(third);
    await until('its Start', () => rows().some((row) => row.sessionId === id));
  });

  it('hangs where the way back has to be on it first: the agent stands still with it, and then goes on', async () => {
    const third = scene.client(4);
    const { session_id: id } = await sessionOf(third);
    const links = () => scene.events('port-link').filter(({ port }) => port === third.port).length;
    const before = links();
    await disturbsNobody(async () => {
      const asked = await whileIt(mediumHangs(medium), async () => {
        const cut = Promise.allSettled([scene.ask('disconnect', third.mac, '--bounce')]);
        await sleep(JUDGED_MS);
        expect(links()).toBe(before);
        return { cut };
      });
      expect(await asked.cut).toMatchObject([{ status: 'fulfilled' }]);
    });
    await stopOf(id);
    await until('the port up again', () => links() >= before + 2, 20_000);
    expect((await sessionOf(third)).session_id).not.toBe(id);
  });
});

describe('what comes in', () => {
  it('overflows the capture: nobody is out, and whoever logs in then gets in', async () => {
    await disturbsNobody(() =>
      whileIt(captureOverflows(scene.client(2)), async () => {
        // A frame that is lost in it is not sent again, if it is a logoff.
        await sleep(1_500);
        await leaveAndCome();
      }),
    );
  });

  it('overruns the notices, while foreign hands are in the table: all of it is found and put right', async () => {
    const { netns } = scene.lab;
    await disturbsNobody(async () => {
      scene.agent.freeze();
      await netns.must(['bridge', 'link', 'set', 'dev', 'p4', 'locked', 'off']);
      await netns.must(['bridge', 'fdb', 'add', STRANGER, 'dev', 'p4', 'master', 'static', 'sticky']);
      await NOTICES_LOST.begin(scene);
      await scene.waitForEvent('warning', { code: 'overrun' });
      await until('the port locked', async () => (await scene.lab.portFlags('p4')).locked === true);
      await until('the entry gone', async () => (await scene.lab.fdb(STRANGER)).length === 0);
      await NOTICES_LOST.end(scene);
    });
    // Frames that a capture has lost are counted at such a look, too.
    expect((await scene.drops())['capture-ring-full']).toBeGreaterThan(0);
    expect(warnings('port-open')).toContainEqual(expect.objectContaining({ port: 'p4' }));
    expect(warnings('foreign-entry')).toContainEqual(expect.objectContaining({ mac: STRANGER }));
  });
});

describe('a broker that hangs', () => {
  it('is waited for by nobody; what happened meanwhile comes in order and without a gap', async () => {
    await disturbsNobody(() =>
      whileIt(BROKER_SILENT, async () => {
        const ids = new Set([(await sessionOf(scene.client(2))).session_id]);
        await other.logoff();
        await until('the end', async () => (await scene.session(scene.client(2))) === undefined);
        await other.logon();
        await other.waitFor('authorized');
        ids.add((await sessionOf(scene.client(2))).session_id);
        expect(ids.size).toBe(2);
      }),
    );
    const { session_id: id } = await sessionOf(scene.client(2));
    await until(
      'its beginning',
      () => scene.events('session-start').some((event) => (event.session as Facts).session_id === id),
      40_000,
    );
    const boot = scene.events('session-start').at(-1)?.boot_id;
    const seqs = scene.upstream.messages
      .filter(({ topic }) => topic.startsWith(`${TOPIC_BASE}/event/`))
      .map(({ payload }) => JSON.parse(payload) as Facts)
      .filter(({ boot_id }) => boot_id === boot)
      .map(({ seq }) => Number(seq));
    const distinctSeqs = [...new Set(seqs)];
    expect(distinctSeqs).toEqual(distinctSeqs.map((_, i) => i + 1));
  });
});

describe('a port that flaps at 10 Hz', () => {
  it('with a device that is let in by its MAC: its neighbours notice nothing, upstream is told once, and it is in when it is over', async () => {
    const device = scene.client(3);
    await until(
      'the device in',
      async () => (await ping(device, UPLINK_IPV4)) && (await scene.session(device)) !== undefined,
    );
    const links = scene.events('port-link').length;
    const messages = scene.upstream.messages.length;
    const records = rows().filter(({ userName }) => userName === DEVICE).length;
    await disturbsNobody(() =>
      whileIt(portFlaps(device), async () => {
        await device.netns.must([floodProgram(), 'eth0', '1', '5', device.mac, '1280']);
        await scene.waitForEvent('warning', { code: 'flapping', port: 'p3' });
      }),
    );
    await scene.waitForEvent('warning', { code: 'flapping-over', port: 'p3' });
    expect(
      scene
        .events('port-link')
        .slice(links)
        .filter(({ port }) => port === 'p3').length,
    ).toBeLessThanOrEqual(11);
    await until(
      'the device in again',
      async () => (await ping(device, UPLINK_IPV4)) && (await scene.session(device)) !== undefined,
    );
    // Of the few times that it came in before it was known to flap.
    expect(rows().filter(({ userName }) => userName === DEVICE).length - records).toBeLessThanOrEqual(14);
    expect(scene.upstream.messages.length - messages).toBeLessThanOrEqual(80);
  });

  it('with a delay of the link’s end: the session goes on', async () => {
    const before = await sessionOf(scene.client(2));
    await disturbsNobody(() => whileIt(portFlaps(scene.client(2)), () => sleep(2_000)));
    expect((await sessionOf(scene.client(2))).session_id).toBe(before.session_id);
  });
});

describe('the bridge', () => {
  it('is deleted: each session ends, with its Stop; made anew: ports are locked, users come back by themselves', async () => {
    await whileIt(BRIDGE_GONE, async () => {
      const end = await scene.waitForEvent('session-end', { mac: worker.mac, cause: 'port-removed' });
      await stopOf(end.session_id);
      await scene.waitForEvent('warning', { code: 'bridge-gone' });
    });
    await scene.waitForEvent('warning', { code: 'bridge-back' });
    for (const { port } of scene.lab.clients)
      await until(`${port} locked`, async () => (await scene.lab.portFlags(port)).locked === true);
    expect(await canReach(worker, UPLINK_IPV4)).toBe(true);
    expect((await sessionOf(worker)).session_id).not.toBe(session.session_id);
  });

  it('at the end of it all everything is in order', async () => {
    scene.judgedElsewhere();
    await assertInvariants(new SceneHouse(scene), { isClockStepped: true });
  }, 60_000);
});

describe('a disk that has become read-only', () => {
  it('is told; logins, logouts and their records go on; a start on the mended one goes on with what that has', async () => {
    const failing = Medium.create();
    const users = ['worker', 'other'].map((name) => ({ name, password: PASSWORD, reply: {} }));
    const house = await Scene.open({
      ports: 2,
      radius: { users },
      config: { ...CONFIG, state_dir: failing.path },
    });
    try {
      const [at, next] = [house.client(1), house.client(2)];
      await house.logIn(at, 'worker');
      const talking = await talker(at, 300);
      house.atClose(() => talking.stop());
      const leaver = await house.logIn(next, 'other');
      const before = await house.session(at);
      // What is in the store by then is all that the next start will know.
      await sleep(1_500);
      const fault = mediumReadOnly(failing);
      const pings = new Pinging(at.netns, UPLINK_IPV4);
      await fault.begin(house);
      await leaver.logoff();
      await house.waitForEvent('session-end', { mac: next.mac, cause: 'supplicant-logoff' });
      await house.waitForEvent('warning', { code: 'spool' }, 20_000);
      await leaver.logon();
      await leaver.waitFor('authorized');
      const id = (await house.session(next))?.session_id;
      const records = () => house.radius.accounting().map(accountingRow);
      await until('the Start all the same', () => records().some(({ sessionId }) => sessionId === id));
      const stops = records().filter(({ status }) => status === 'Stop');
      expect(stops.length, JSON.stringify(records())).toBe(1);
      await fault.end(house);
      await sleep(JUDGED_MS);
      expect(await pings.lost()).toBe(0);
      expect((await house.session(at))?.session_id).toBe(before?.session_id);
    } finally {
      house.excuse('records', 'a start knows nothing of what the disk did not take');
      await house.close();
      failing.close();
    }
  }, 90_000);
});
