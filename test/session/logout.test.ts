import { describe, expect, it } from 'vitest';
import { instant } from '../../src/base/time.ts';
import { type EndDecision, Logout, type LogoutEffect } from '../../src/session/logout.ts';

const decision: EndDecision = {
  cause: 'handshake-timeout',
  at: instant(60_000),
  evidence: { lastSeen: instant(0), lastSeenBy: 'fdb', probesSent: 2, probesAnswered: 0 },
};

function names(effects: readonly LogoutEffect[]): string[] {
  return effects.map(({ type }) => type);
}

describe('a session on its way out', () => {
  it('clears the grant first, and nothing else before that is answered', () => {
    expect(names(new Logout(decision, true).start())).toEqual(['clear-grant']);
  });

  it('then EAP-Failure, then the Stop; the report waits until the Stop is durable', () => {
    const logout = new Logout(decision, true);
    logout.start();
    expect(names(logout.handle({ type: 'relocked', tries: 1 }, instant(60_005)))).toEqual([
      'eap-failure',
      'stop',
    ]);
    expect(logout.finished).toBe(false);
    const closing = logout.handle({ type: 'stop-stored' }, instant(60_006));
    expect(closing).toEqual([
      { type: 'report-end', decision, proof: { at: 60_005, verified: true, tries: 1 } },
    ]);
    expect(logout.finished).toBe(true);
  });

  it('clears nothing where the entry is handed over, and the record says that nothing was to be proven', () => {
    const logout = new Logout(decision, false);
    expect(names(logout.start(true))).toEqual(['stop']);
    expect(logout.handle({ type: 'stop-stored' }, instant(60_006))).toEqual([
      { type: 'report-end', decision, proof: { at: 60_000, verified: false, tries: 0 } },
    ]);
    expect(logout.finished).toBe(true);
  });

  it('sends no EAP-Failure to a client that does not speak EAP', () => {
    const logout = new Logout(decision, false);
    logout.start();
    expect(names(logout.handle({ type: 'relocked', tries: 1 }, instant(1)))).toEqual(['stop']);
  });

  it('a relock that fails alarms but never withholds the Stop, and the record says that it is unproven', () => {
    const logout = new Logout(decision, true);
    logout.start();
    const effects = logout.handle({ type: 'relock-failed', tries: 1, error: 'EBUSY' }, instant(7));
    expect(names(effects)).toEqual(['relock-alarm', 'eap-failure', 'stop']);
    const closing = logout.handle({ type: 'stop-stored' }, instant(8));
    expect(closing).toMatchObject([{ type: 'report-end', proof: { verified: false, error: 'EBUSY' } }]);
    expect(logout.finished).toBe(false);
    expect(names(logout.handle({ type: 'relock-failed', tries: 2, error: 'EBUSY' }, instant(9)))).toEqual([]);
    expect(names(logout.handle({ type: 'relocked', tries: 3 }, instant(10)))).toEqual(['relock-alarm-over']);
    expect(logout.finished).toBe(true);
  });

  it('a relock that succeeds before the Stop is durable puts the proof into the record after all', () => {
    const logout = new Logout(decision, false);
    logout.start();
    logout.handle({ type: 'relock-failed', tries: 1, error: 'EBUSY' }, instant(7));
    expect(names(logout.handle({ type: 'relocked', tries: 2 }, instant(8)))).toEqual(['relock-alarm-over']);
    expect(logout.handle({ type: 'stop-stored' }, instant(9))).toMatchObject([
      { type: 'report-end', proof: { verified: true, tries: 2, at: 8 } },
    ]);
    expect(logout.finished).toBe(true);
  });

  it('whose entry is granted anew before it could be cleared ends as with a hand-over, without an EAP-Failure', () => {
    const logout = new Logout(decision, true);
    logout.start();
    expect(names(logout.handle({ type: 'superseded' }, instant(7)))).toEqual(['stop']);
    expect(logout.handle({ type: 'stop-stored' }, instant(8))).toEqual([
      { type: 'report-end', decision, proof: { at: 7, verified: false, tries: 0 } },
    ]);
    expect(logout.finished).toBe(true);
    expect(logout.handle({ type: 'superseded' }, instant(9))).toEqual([]);
  });

  it('whose entry is granted anew after it would not go is no alarm any more, and the record stays unproven', () => {
    const logout = new Logout(decision, true);
    logout.start();
    logout.handle({ type: 'relock-failed', tries: 1, error: 'EBUSY' }, instant(7));
    expect(names(logout.handle({ type: 'superseded' }, instant(8)))).toEqual(['relock-alarm-over']);
    expect(logout.handle({ type: 'stop-stored' }, instant(9))).toMatchObject([
      { type: 'report-end', proof: { verified: false, tries: 1 } },
    ]);
    expect(logout.finished).toBe(true);
  });

  it('ends once: repeated answers yield no second Stop and no second report', () => {
    const logout = new Logout(decision, true);
    logout.start();
    logout.handle({ type: 'relocked', tries: 1 }, instant(1));
    expect(logout.handle({ type: 'relocked', tries: 1 }, instant(2))).toEqual([]);
    logout.handle({ type: 'stop-stored' }, instant(3));
    expect(logout.handle({ type: 'stop-stored' }, instant(4))).toEqual([]);
    expect(logout.handle({ type: 'relocked', tries: 1 }, instant(5))).toEqual([]);
  });
});
