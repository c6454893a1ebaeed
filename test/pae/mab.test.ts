import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instant, seconds } from '../../src/base/time.ts';
import type { MabEvent, MabFacts } from '../../src/pae/mab-events.ts';
import { GRANTED, MabRig } from '../rigs/mab.ts';

const AT_ONCE = { delay: seconds(0) };

function inBySession(settings: ConstructorParameters<typeof MabRig>[0] = {}): MabRig {
  const rig = new MabRig({ ...AT_ONCE, ...settings });
  rig.accept();
  expect(rig.client.current).toBe('AUTHENTICATED');
  return rig;
}

describe('a device that never speaks', () => {
  it('is asked about when 802.1X has had its time, and once', () => {
    const rig = new MabRig();
    rig.pass(29_999);
    expect(rig.all('ask')).toEqual([]);
    rig.pass(1);
    expect(rig.all('ask')).toMatchObject([{ first: true, userName: '0299000000aa', rank: 2 }]);
    rig.sight();
    rig.pass(60_000);
    expect(rig.all('ask')).toHaveLength(1);
  });

  it('has a session after the Accept and the table, not before', () => {
    const rig = new MabRig(AT_ONCE);
    const [accepted] = rig
      .give({ type: 'aaa-accept', ref: rig.ref, authorization: GRANTED })
      .filter(({ type }) => type === 'accepted');
    expect(accepted).toMatchObject({ authorization: GRANTED });
    expect(rig.client.authenticated).toBe(false);
    rig.give({ type: 'grant-done', ref: 2 });
    expect(rig.client.authenticated).toBe(true);
  });

  it('whose grant cannot be written is tried again a little later', () => {
    const rig = new MabRig(AT_ONCE);
    rig.give({ type: 'aaa-accept', ref: rig.ref, authorization: GRANTED });
    rig.give({ type: 'grant-done', ref: 2, error: 'EBUSY' });
    expect(rig.all('rejected')).toMatchObject([{ reason: 'grant-failed' }]);
    rig.pass(1_000);
    rig.sight();
    rig.pass(9_000);
    expect(rig.all('ask')).toHaveLength(2);
  });

  it('refused is quiet; whoever was seen since is asked about again, of another the table is asked', () => {
    const rig = new MabRig(AT_ONCE);
    rig.reject('no printers here');
    expect(rig.all('rejected')).toMatchObject([
      { reason: 'access-reject', replyMessage: 'no printers here' },
    ]);
    rig.pass(30_000);
    rig.sight();
    rig.pass(29_999);
    expect(rig.all('ask')).toHaveLength(1);
    rig.pass(1);
    expect(rig.all('ask')).toHaveLength(2);
    rig.reject();
    rig.pass(60_000);
    expect(rig.all('ask')).toHaveLength(2);
    expect(rig.all('look')).toHaveLength(1);
    expect(rig.client.current).toBe('FORGOTTEN');
  });

  it('in quiet is asked about when an administrator wants it, and not for a timer', () => {
    const rig = new MabRig(AT_ONCE);
    rig.reject();
    rig.give({ type: 'reauthenticate', by: 'timer' });
    expect(rig.all('ask')).toHaveLength(1);
    rig.give({ type: 'reauthenticate', by: 'admin' });
    expect(rig.all('ask')).toHaveLength(2);
  });

  it('without a server is asked about later and later, whether it speaks or not', () => {
    const rig = new MabRig(AT_ONCE);
    const at: number[] = [];
    for (let n = 0; n < 5; n++) {
      rig.noServer();
      const before = rig.now;
      while (rig.all('ask').length < n + 2) rig.pass(1_000);
      at.push(rig.now - before);
    }
    expect(at).toEqual([10_000, 20_000, 40_000, 60_000, 60_000]);
  });
});

describe('reauthentication', () => {
  it('comes due after its period, is begun when its turn has come, and is one session', () => {
    const rig = inBySession({ reAuthPeriod: seconds(600) });
    rig.pass(600_000);
    expect(rig.all('reauthentication-due')).toHaveLength(1);
    expect(rig.all('ask')).toHaveLength(1);
    rig.give({ type: 'reauthenticate', by: 'timer' });
    expect(rig.all('ask')[1]).toMatchObject({ rank: 0 });
    expect(rig.client.authenticated).toBe(true);
    rig.accept();
    expect(rig.all('reauthenticated')).toHaveLength(1);
    expect(rig.ends).toEqual([]);
  });

  it('refused ends the session; without a server the session stays, and it is tried again', () => {
    const rig = inBySession();
    rig.give({ type: 'reauthenticate', by: 'admin' });
    rig.noServer();
    expect(rig.client.authenticated).toBe(true);
    expect(rig.all('unanswered')).toHaveLength(1);
    rig.pass(10_000);
    expect(rig.all('reauthentication-due')).toHaveLength(1);
    rig.give({ type: 'reauthenticate', by: 'timer' });
    rig.reject();
    expect(rig.ends).toEqual(['reauth-failed']);
    expect(rig.all('rejected')).toEqual([]);
  });

  it('that is under way when the session ends is taken back', () => {
    const rig = inBySession();
    rig.give({ type: 'reauthenticate', by: 'admin' });
    rig.give({ type: 'session-ended' });
    expect(rig.all('cancel')).toHaveLength(1);
    expect(rig.client.current).toBe('FORGOTTEN');
  });
});

describe('beside 802.1X', () => {
  it.each(['talking', 'granting', 'held'] as const)('waits while it is %s', (dot1x) => {
    const rig = new MabRig({}, { dot1x });
    rig.pass(120_000);
    expect(rig.all('ask')).toEqual([]);
    rig.facts = { dot1x: 'silent' };
    rig.pass(1_000);
    expect(rig.all('ask')).toHaveLength(1);
  });

  it('comes first where the order says so, and waits for nothing', () => {
    expect(new MabRig({ order: ['mab', 'dot1x'] }).all('ask')).toHaveLength(1);
  });

  it('a refusal there ends the session here, as 802.1X has priority', () => {
    const rig = inBySession();
    rig.give({ type: 'dot1x-failed' });
    expect(rig.ends).toEqual(['reauth-failed']);
    expect(rig.client.current).toBe('QUIET');
  });

  it('or has the server asked about the MAC again, where that is wanted', () => {
    const rig = inBySession({ afterDot1xFailure: true });
    rig.give({ type: 'dot1x-failed' });
    expect(rig.ends).toEqual([]);
    expect(rig.all('ask')).toHaveLength(2);
    const waiting = new MabRig({ afterDot1xFailure: true });
    waiting.give({ type: 'dot1x-failed' });
    waiting.facts = { dot1x: 'held' };
    waiting.pass(0);
    expect(waiting.all('ask')).toHaveLength(1);
  });

  it('or is of no account, where MAB has priority', () => {
    const rig = inBySession({ priority: ['mab', 'dot1x'] });
    rig.give({ type: 'dot1x-failed' });
    expect(rig.client.current).toBe('AUTHENTICATED');
  });
});

describe('a MAC with a session on another port', () => {
  const elsewhere: MabFacts = { dot1x: 'absent', elsewhere: instant(-5_000) };

  it('moves when it is heard here again and again, and there no more', () => {
    const rig = new MabRig(AT_ONCE, elsewhere);
    rig.pass(1_000);
    rig.sight();
    rig.pass(1_999);
    expect(rig.all('ask')).toEqual([]);
    rig.pass(1);
    expect(rig.all('ask')).toHaveLength(1);
  });

  it('does not while it is heard there', () => {
    const rig = new MabRig(AT_ONCE, elsewhere);
    rig.pass(1_000);
    rig.sight();
    rig.facts = { dot1x: 'absent', elsewhere: instant(1_005) };
    rig.pass(9_000);
    rig.sight();
    rig.pass(120_000);
    expect(rig.all('ask')).toEqual([]);
    expect(rig.client.current).toBe('FORGOTTEN');
  });

  it('does not by one frame, however silent it is there; a second one is waited for', () => {
    const rig = new MabRig(AT_ONCE, elsewhere);
    rig.pass(300);
    rig.sight();
    rig.pass(59_000);
    expect(rig.all('ask')).toEqual([]);
    rig.sight();
    rig.pass(0);
    expect(rig.all('ask')).toHaveLength(1);
    const once = new MabRig(AT_ONCE, elsewhere);
    once.pass(61_000);
    expect(once.client.current).toBe('FORGOTTEN');
    expect(once.all('ask')).toEqual([]);
  });
});

const facts: fc.Arbitrary<MabFacts> = fc
  .tuple(
    fc.constantFrom('absent', 'silent', 'talking', 'held', 'granting' as const),
    fc.option(fc.integer({ min: -1_000, max: 200_000 }), { nil: undefined, freq: 3 }),
  )
  .map(([dot1x, elsewhere]) => ({
    dot1x: dot1x as MabFacts['dot1x'],
    ...(elsewhere === undefined ? {} : { elsewhere: instant(elsewhere) }),
  }));

type Step = (rig: MabRig) => void;
const octets = fc.uint8Array({ maxLength: 24 });
const ref = (rig: MabRig, stale: boolean): number => rig.ref - (stale ? 1 : 0);
const event =
  (make: (rig: MabRig) => MabEvent): Step =>
  (rig) =>
    void rig.give(make(rig));

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>((rig) => rig.sight()),
  fc.integer({ min: 0, max: 40_000 }).map<Step>((ms) => (rig) => rig.pass(ms)),
  facts.map<Step>((next) => (rig) => {
    rig.facts = next;
  }),
  fc
    .boolean()
    .map((stale) => event((rig) => ({ type: 'aaa-accept', ref: ref(rig, stale), authorization: GRANTED }))),
  fc.boolean().map((stale) => event((rig) => ({ type: 'aaa-reject', ref: ref(rig, stale) }))),
  fc.boolean().map((stale) => event((rig) => ({ type: 'aaa-timeout', ref: ref(rig, stale) }))),
  octets.map((eap) => event((rig) => ({ type: 'aaa-challenge', ref: rig.ref, eap }))),
  fc.option(fc.constant('EBUSY'), { nil: undefined }).map((error) =>
    event((rig) => {
      const wanted = rig.all('accepted').at(-1)?.ref ?? -1;
      return { type: 'grant-done', ref: wanted, ...(error === undefined ? {} : { error }) };
    }),
  ),
  fc.constant(event(() => ({ type: 'reauthenticate', by: 'timer' }))),
  fc.constant(event(() => ({ type: 'dot1x-failed' }))),
  fc.constant(event(() => ({ type: 'session-ended' }))),
);

const WISHES: ReadonlySet<Step> = new Set([event(() => ({ type: 'reauthenticate', by: 'admin' }))]);
const wishes = fc.constantFrom(...WISHES);

describe('whatever happens', () => {
  it('one question at a time, none in a quiet period, no session without an Accept and a table write', () => {
    const settings = fc.record({
      order: fc.constantFrom(['dot1x', 'mab'] as const, ['mab', 'dot1x'] as const),
      priority: fc.constantFrom(['dot1x', 'mab'] as const, ['mab', 'dot1x'] as const),
      afterDot1xFailure: fc.boolean(),
      authentication: fc.constantFrom('pap', 'chap', 'eap-md5' as const),
      delay: fc.integer({ min: 0, max: 40 }).map(seconds),
      quietPeriod: fc.integer({ min: 1, max: 90 }).map(seconds),
    });
    const play = fc.array(fc.oneof({ weight: 8, arbitrary: steps }, { weight: 1, arbitrary: wishes }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(settings, facts, play, (chosen, first, play) => {
        const rig = new MabRig(chosen as ConstructorParameters<typeof MabRig>[0], first);
        let taken = 0;
        let open = false;
        let granting = false;
        let session = false;
        const judge = (quietUntil: number): void => {
          for (; taken < rig.seen.length; taken++) {
            const { effect, at } = rig.seen[taken] as (typeof rig.seen)[number];
            if (effect.type === 'ask' && effect.first) {
              expect(open || granting).toBe(false);
              expect(at).toBeGreaterThanOrEqual(quietUntil);
            }
            if (effect.type === 'ask') open = true;
            if (effect.type === 'cancel') open = false;
            if (effect.type === 'accepted') {
              expect(session).toBe(false);
              granting = true;
              open = false;
            }
            if (effect.type === 'reauthenticated') expect(session).toBe(true);
            if (effect.type === 'ended') session = false;
          }
        };
        judge(0);
        for (const step of play) {
          const before = rig.client.current;
          // An administrator's or a server's wish ends a quiet period, and nothing else does.
          const quietUntil = before === 'QUIET' && !WISHES.has(step) ? rig.client.pollAt() : 0;
          step(rig);
          judge(quietUntil);
          // What the machine says of itself follows from what it was told.
          if (rig.client.current !== 'ASKING') open = false;
          if (before === 'GRANTING' && rig.client.current !== 'GRANTING') granting = false;
          if (before === 'GRANTING' && rig.client.current === 'AUTHENTICATED') session = true;
          if (before !== 'GRANTING' && !session) expect(rig.client.authenticated).toBe(false);
          if (!rig.client.authenticated) session = false;
        }
        // No state polls for ever: what is due passes on.
        expect(() => rig.pass(86_400_000 / 100)).not.toThrow();
      }),
      { numRuns: 1_000 },
    );
  });
});
