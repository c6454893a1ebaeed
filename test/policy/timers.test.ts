import { describe, expect, it } from 'vitest';
import { type Instant, instant, type Millis, NEVER, seconds } from '../../src/base/time.ts';
import { SessionTimers, type TimerEffect, type TimerSettings } from '../../src/policy/timers.ts';

const START = instant(1_000_000);
const at = (s: number): Instant => instant(START + s * 1000);

function settings(over: Partial<TimerSettings>): TimerSettings {
  return { session: seconds(0), sessionFrom: START, reauthenticate: false, probes: true, ...over };
}

interface Client {
  /** Seconds from the start at which it sends of its own accord. */
  readonly sends?: readonly number[];
  readonly answersProbes?: boolean;
}

/** Runs the machine as the agent does, with a dump wherever one is asked for; until its end, or `until`. */
function live(config: TimerSettings, client: Client, until = 10_000) {
  const timers = new SessionTimers(config, START);
  let lastSeen = START;
  let lastOwn = START;
  const probes: number[] = [];
  const reauthentications: number[] = [];
  const hear = (now: Instant): void => {
    for (const s of client.sends ?? []) {
      if (at(s) > now) continue;
      lastOwn = instant(Math.max(lastOwn, at(s)));
      lastSeen = instant(Math.max(lastSeen, at(s)));
    }
  };
  for (let now = timers.pollAt(); now <= at(until); now = timers.pollAt()) {
    let sweptAt = instant(0);
    for (let dumps = 0; dumps < 3; dumps++) {
      const effects: TimerEffect[] = timers.tick({ lastSeen, lastOwn, sweptAt }, now);
      for (const effect of effects) {
        const elapsed = (now - START) / 1000;
        if (effect.type === 'end') return { ended: effect.cause, after: elapsed, probes, reauthentications };
        if (effect.type === 'reauthenticate') reauthentications.push(elapsed);
        if (effect.type === 'probe') {
          probes.push(elapsed);
          if (client.answersProbes === true) lastSeen = instant(now + 1);
        }
      }
      if (!effects.some(({ type }) => type === 'sweep-needed')) break;
      hear(now);
      sweptAt = now;
    }
  }
  return { ended: undefined, after: undefined, probes, reauthentications };
}

describe('session timer and heartbeat timer', () => {
  it('0 and unset: the user is dropped by neither', () => {
    expect(live(settings({}), {}).ended).toBeUndefined();
    expect(new SessionTimers(settings({}), START).pollAt()).toBe(NEVER);
  });

  it('0 and set: when the heartbeat timer runs out', () => {
    expect(live(settings({ heartbeat: seconds(90) }), {})).toMatchObject({
      ended: 'heartbeat-timeout',
      after: 90,
    });
  });

  it('non-zero and unset: when the session timer runs out, whatever the user does', () => {
    const sends = Array.from({ length: 600 }, (_, s) => s);
    expect(live(settings({ session: seconds(300) }), { sends })).toMatchObject({
      ended: 'session-timeout',
      after: 300,
    });
  });

  it('both: whichever is reached first', () => {
    const both = settings({ session: seconds(300), heartbeat: seconds(90) });
    expect(live(both, {})).toMatchObject({ ended: 'heartbeat-timeout', after: 90 });
    const sends = Array.from({ length: 600 }, (_, s) => s);
    expect(live(both, { sends })).toMatchObject({ ended: 'session-timeout', after: 300 });
    expect(live(both, { sends: [230] })).toMatchObject({ ended: 'heartbeat-timeout', after: 90 });
    expect(live(both, { sends: [80, 160, 240] })).toMatchObject({ ended: 'session-timeout', after: 300 });
  });
});

describe('heartbeat', () => {
  it('asks once per third of the silence, and the answers keep the session', () => {
    const beats = settings({ heartbeat: seconds(90) });
    expect(live(beats, {}).probes).toEqual([30, 60]);
    const answering = live(beats, { answersProbes: true }, 300);
    expect(answering.ended).toBeUndefined();
    expect(answering.probes.length).toBeGreaterThanOrEqual(9);
  });

  it('does not ask where the handshake asks by itself', () => {
    expect(live(settings({ heartbeat: seconds(90), probes: false }), {}).probes).toEqual([]);
  });

  it('counts from the last sign of life, also one that only the awaited dump tells of', () => {
    expect(live(settings({ heartbeat: seconds(90) }), { sends: [89] })).toMatchObject({
      ended: 'heartbeat-timeout',
      after: 179,
    });
  });
});

describe('Idle-Timeout (RFC 2865 §5.28)', () => {
  it('a probe answered is no traffic of the client', () => {
    const config = settings({ heartbeat: seconds(90), idle: seconds(120) });
    expect(live(config, { answersProbes: true })).toMatchObject({ ended: 'idle-timeout', after: 120 });
  });

  it('own traffic puts it off', () => {
    expect(live(settings({ idle: seconds(120) }), { sends: [100] })).toMatchObject({
      ended: 'idle-timeout',
      after: 220,
    });
  });
});

describe('Session-Timeout with Termination-Action (RFC 2865 §5.27, §5.29)', () => {
  it('RADIUS-Request: reauthenticates once at the expiry and goes on', () => {
    const outcome = live(settings({ session: seconds(60), reauthenticate: true }), {}, 500);
    expect(outcome).toMatchObject({ ended: undefined, reauthentications: [60] });
  });

  it('a reauthentication counts the new Session-Timeout from its Accept', () => {
    const timers = new SessionTimers(settings({ session: seconds(60), reauthenticate: true }), START);
    timers.tick({ lastSeen: START, lastOwn: START, sweptAt: START }, at(60));
    const renewed = settings({ session: seconds(60), reauthenticate: true, sessionFrom: at(61) });
    timers.configure(renewed, { lastSeen: START, lastOwn: START, sweptAt: START }, at(61));
    expect(timers.pollAt()).toBe(at(121));
  });

  it('the action taken back after the expiry, before anybody has reauthenticated: ends the session', () => {
    const signs = { lastSeen: START, lastOwn: START, sweptAt: START };
    const timers = new SessionTimers(settings({ session: seconds(60), reauthenticate: true }), START);
    expect(timers.tick(signs, at(60))).toEqual([{ type: 'reauthenticate' }]);
    timers.configure(settings({ session: seconds(60) }), signs, at(100));
    expect(timers.pollAt()).toBe(at(60));
    expect(timers.tick(signs, at(100))).toEqual([{ type: 'end', cause: 'session-timeout' }]);
  });
});

describe('values changed during the session', () => {
  it('a heartbeat shortened after a long silence counts from the change, and asks before it ends anybody', () => {
    const timers = new SessionTimers(settings({ heartbeat: seconds(3600) }), START);
    const signs = { lastSeen: START, lastOwn: START, sweptAt: at(300) };
    timers.configure(settings({ heartbeat: seconds(60) }), signs, at(300));
    expect(timers.pollAt()).toBe(at(320));
    expect(timers.tick(signs, at(320))).toEqual([{ type: 'probe' }]);
    expect(timers.tick(signs, at(340))).toEqual([{ type: 'probe' }]);
    expect(timers.tick({ ...signs, sweptAt: at(360) }, at(360))).toEqual([
      { type: 'end', cause: 'heartbeat-timeout' },
    ]);
  });

  it('a role changed at run time moves only the deadlines that it names', () => {
    const timers = new SessionTimers(settings({ session: seconds(300), heartbeat: seconds(90) }), START);
    const signs = { lastSeen: at(10), lastOwn: at(10), sweptAt: at(10) };
    const changed = settings({ session: seconds(300), heartbeat: 20_000 as Millis, probes: false });
    timers.configure(changed, signs, at(15));
    expect(timers.sessionDeadline).toBe(at(300));
    expect(timers.pollAt()).toBe(at(35));
  });
});
