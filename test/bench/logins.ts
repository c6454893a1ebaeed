// EAP-MD5 logins per second and their 99th percentile, Rollcall and stock hostapd in turn: same FreeRADIUS, same clients,
// same 48 ports and, for hostapd, one port too, where all clients share one RADIUS client of its. Each measurement has a
// process of its own, warmed up by as many logins, so that neither the numbers of earlier sessions nor a cold start count.

import {
  ACCOUNTING,
  type AccountingServer,
  type Authenticator,
  hostapd,
  rollcall,
} from './authenticators.ts';
import { Clients, type LoginFigures } from './clients.ts';
import type { Row } from './row.ts';
import { cpuMs, PORTS, Stage } from './stage.ts';

const WINDOWS = [1, 10, 100] as const;
type Window = (typeof WINDOWS)[number];
/** Both together below hostapd's limit of 2,007 clients per interface, and below our burst of newcomers per port. */
const WARM_UP = 800;
const MEASURED = 1000;
const SECONDS = 8;

interface Contender {
  readonly name: string;
  readonly ports: number;
  readonly start: (stage: Stage, accounting: AccountingServer) => Promise<Authenticator>;
}

const US: Contender = {
  name: 'Rollcall',
  ports: PORTS,
  start: (stage, accounting) => rollcall(stage, { periodS: 0, accounting }),
};
const HOSTAPD: Contender = {
  name: 'hostapd',
  ports: PORTS,
  start: (stage, accounting) => hostapd(stage, { accounting }),
};
const HOSTAPD_ONE: Contender = {
  name: 'hostapd on 1 port',
  ports: 1,
  start: (stage, accounting) => hostapd(stage, { accounting, ports: 1 }),
};

interface Measured extends LoginFigures {
  readonly perSecond: number;
  /** Of the authenticator, per login. */
  readonly cpuUs: number;
}

async function measure(
  stage: Stage,
  { start, ports }: Contender,
  setting: { readonly window: Window; readonly accounting: AccountingServer },
): Promise<Measured> {
  const { window, accounting } = setting;
  const authenticator = await start(stage, accounting);
  const load = { window, seconds: SECONDS, ports };
  const warm = await Clients.logIn(stage, { ...load, first: 1, count: WARM_UP, window: 10 });
  const before = cpuMs(authenticator.pid);
  const clients = await Clients.logIn(stage, { ...load, first: 1 + WARM_UP, count: MEASURED });
  const spent = cpuMs(authenticator.pid) - before;
  await clients.close();
  await warm.close();
  await authenticator.close();
  const { logins } = clients;
  return {
    ...logins,
    perSecond: logins.seconds === 0 ? 0 : logins.in / logins.seconds,
    cpuUs: logins.in === 0 ? 0 : (spent * 1000) / logins.in,
  };
}

function say({ perSecond, p99, begun, in: inside, cpuUs }: Measured): string {
  const lost = begun > inside ? `, ${begun - inside} of ${begun} not in` : '';
  return `${perSecond.toFixed(0)}/s, p99 ${p99.toFixed(0)} ms${lost}, ${cpuUs.toFixed(0)} µs CPU each`;
}

const GOALS: Readonly<Record<Window, number | undefined>> = { 1: undefined, 10: 0.8, 100: 15 };

function rowsOf(window: Window, measured: ReadonlyMap<string, Measured>): readonly Row[] {
  const of = (contender: Contender, accounting: AccountingServer): Measured => {
    const found = measured.get(`${contender.name} ${accounting}`);
    if (found === undefined) throw new Error(`${contender.name} was not measured`);
    return found;
  };
  const what = `EAP-MD5 logins, ${window} in flight`;
  const ours = of(US, 'alive');
  const dead = of(US, 'dead');
  const goal = GOALS[window];
  const against = (peer: Contender, goals: boolean): Row => {
    const theirs = of(peer, 'alive');
    const ratio = ours.perSecond / theirs.perSecond;
    return {
      what,
      ours: say(ours),
      against: `${peer.name} ${say(theirs)}`,
      ratio,
      ...(goal === undefined || !goals ? { goal: '' } : { goal: `at least ${goal}`, reached: ratio >= goal }),
    };
  };
  const theirs = of(HOSTAPD_ONE, 'dead');
  return [
    against(HOSTAPD_ONE, true),
    against(HOSTAPD, false),
    {
      what: `${what}, dead accounting server`,
      ours: say(dead),
      against: `itself, alive ${ours.perSecond.toFixed(0)}/s; hostapd on 1 port ${say(theirs)}`,
      ratio: dead.perSecond / ours.perSecond,
      goal: 'the same (at least 0.9)',
      reached: dead.perSecond >= 0.9 * ours.perSecond,
    },
  ];
}

export async function loginRows(): Promise<readonly Row[]> {
  const stage = await Stage.open();
  try {
    await stage.radius();
    await stage.broker();
    await stage.deaf(ACCOUNTING.dead);
    const rows: Row[] = [];
    for (const window of WINDOWS) {
      const measured = new Map<string, Measured>();
      for (const accounting of ['alive', 'dead'] as const) {
        for (const contender of [US, HOSTAPD, HOSTAPD_ONE]) {
          const key = `${contender.name} ${accounting}`;
          measured.set(key, await measure(stage, contender, { window, accounting }));
        }
      }
      rows.push(...rowsOf(window, measured));
    }
    return rows;
  } finally {
    await stage.close();
  }
}
