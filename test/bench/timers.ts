// What the timers of a role cost: 10,000 sessions that have both a session timer and a heartbeat timer, beside 10,000 that
// have neither, by the same handshake and in the same run. The heartbeat timer comes due several times while it is measured, and is
// moved on each time, since the clients answer.

import { SESSIONS, type Watching, watching } from './probes.ts';
import type { Row } from './row.ts';
import { Stage } from './stage.ts';

const PERIOD_S = 3;
const SESSION_S = 86_400;
/** Long enough for the handshake to do the asking: then both ask as often. */
const HEARTBEAT_S = 4 * PERIOD_S;

const TIMED = { roles: { default: { session_s: SESSION_S, heartbeat_s: HEARTBEAT_S } } };

export async function timerRows(): Promise<readonly Row[]> {
  const stage = await Stage.open();
  try {
    await stage.radius();
    await stage.broker();
    const without = await watching(stage, PERIOD_S);
    const timed = await watching(stage, PERIOD_S, TIMED);
    const memory = ({ memory: { residentMb, anonymousMb } }: Watching): string =>
      `${residentMb.toFixed(0)} MB (anonymous ${anonymousMb.toFixed(0)})`;
    const cpu = ({ percent, probesPerSecond }: Watching): string =>
      `${percent.toFixed(1)} % of a core at ${probesPerSecond.toFixed(0)} probes/s`;
    const what = `${SESSIONS} sessions with session timer and heartbeat timer, T = ${PERIOD_S} s, ${timed.stillIn} still in`;
    return [
      {
        what: `resident memory, ${what}`,
        ours: memory(timed),
        against: `itself without timers ${memory(without)}`,
        ratio: timed.memory.residentMb / without.memory.residentMb,
        goal: '',
      },
      {
        what: `CPU, ${what}`,
        ours: cpu(timed),
        against: `itself without timers ${cpu(without)}`,
        ratio: timed.percent / without.percent,
        goal: '',
      },
    ];
  } finally {
    await stage.close();
  }
}
