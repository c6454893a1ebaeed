// Anything may come from the wire, in any order: nothing is thrown, and nobody gets in without a server's word.

import { describe, expect, it } from 'vitest';
import { instant, millis, seconds } from '../../src/base/time.ts';
import { AuthenticatorClient } from '../../src/pae/client.ts';
import type { PaeEffect, PaeEvent } from '../../src/pae/events.ts';
import { PAE_DEFAULTS } from '../../src/pae/settings.ts';
import { ALICE, eapPacket, identityResponse, md5Request, md5Response } from '../rigs/pae.ts';

/** A small seeded generator (mulberry32), so that a failure can be played again. */
function dice(seed: number) {
  let state = seed;
  const fraction = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (n: number) => Math.floor(fraction() * n);
  const pick = <T>(from: readonly T[]): T => from[below(from.length)] as T;
  return { below, pick };
}

type Dice = ReturnType<typeof dice>;

/** What an observer on the outside knows of one client. */
interface Ledger {
  serverRef: number | undefined;
  grantRef: number | undefined;
  session: boolean;
  /** The exchange that runs has been refused already. */
  refused: boolean;
  requestId: number;
}

function octets(roll: Dice, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => roll.below(256));
}

/** Mostly plausible, sometimes garbage: pure garbage would never get past the Identity. */
function fromClient(roll: Dice, ledger: Ledger): Uint8Array {
  const id = roll.below(8) === 0 ? roll.below(256) : ledger.requestId;
  switch (roll.below(8)) {
    case 0:
      return octets(roll, roll.below(40));
    case 1:
      return eapPacket(
        roll.below(8),
        id,
        Array.from({ length: roll.below(300) }, () => roll.below(256)),
      );
    case 2: {
      const packet = identityResponse(id);
      packet[roll.below(packet.length)] = roll.below(256);
      return packet;
    }
    case 3:
      return md5Response(id);
    default:
      return identityResponse(id, roll.pick(['alice', 'bob', '', '\n']));
  }
}

function fromServer(roll: Dice): { eap?: Uint8Array } {
  switch (roll.below(5)) {
    case 0:
      return {};
    case 1:
      return { eap: octets(roll, roll.below(12)) };
    case 2:
      return { eap: eapPacket(1 + roll.below(4), roll.below(256)) };
    default:
      return { eap: md5Request(roll.below(256)) };
  }
}

function nextEvent(roll: Dice, ledger: Ledger): PaeEvent {
  const serverRef = ledger.serverRef !== undefined && roll.below(8) > 0 ? ledger.serverRef : roll.below(50);
  const grantRef = ledger.grantRef !== undefined && roll.below(8) > 0 ? ledger.grantRef : roll.below(50);
  switch (roll.below(20)) {
    case 0:
    case 1:
      return { type: 'eapol-start' };
    case 2:
      return roll.below(4) === 0 ? { type: 'eapol-logoff' } : { type: 'tick' };
    case 3:
      return { type: 'solicited-response', packet: identityResponse(roll.below(256)) };
    case 4:
    case 5:
      return {
        type: 'aaa-challenge',
        ref: serverRef,
        ...fromServer(roll),
        sessionTimeout: millis(roll.below(9000)),
      };
    case 6:
    case 7:
      return {
        type: 'aaa-accept',
        ref: serverRef,
        authorization: ALICE,
        ...(roll.below(3) === 0 ? fromServer(roll) : { eap: eapPacket(3, ledger.requestId) }),
      };
    case 8:
      return { type: 'aaa-reject', ref: serverRef, ...fromServer(roll), replyMessage: '\u001b[0m' };
    case 9:
      return { type: 'aaa-timeout', ref: serverRef };
    case 10:
    case 11:
      return { type: 'grant-done', ref: grantRef, ...(roll.below(5) === 0 ? { error: 'EIO' } : {}) };
    case 12:
      return { type: 'reauthenticate', by: roll.pick(['admin', 'timer', 'sighting']) };
    case 13:
      if (ledger.grantRef !== undefined && roll.below(2) === 0) return { type: 'session-replaced' };
      return { type: roll.pick(['session-ended', 'probe', 'probe', 'probe', 'tick', 'tick'] as const) };
    case 14:
      return {
        type: 'settings',
        settings: {
          ...PAE_DEFAULTS,
          txPeriod: seconds(1 + roll.below(5)),
          reAuthPeriod: seconds(roll.below(3) * 20),
          quietPeriod: seconds(roll.below(10)),
          reAuthMax: roll.below(4),
          maxReq: roll.below(4),
        },
      };
    default:
      return { type: 'eap-response', packet: fromClient(roll, ledger) };
  }
}

/** Keeps the ledger before the machine acts on an event. */
function heard(ledger: Ledger, event: PaeEvent): void {
  if (event.type.startsWith('aaa-') && 'ref' in event && event.ref === ledger.serverRef) {
    ledger.serverRef = undefined;
  }
  if (event.type === 'session-ended' || event.type === 'session-replaced') ledger.session = false;
  if (event.type === 'session-ended') ledger.grantRef = undefined;
  if (event.type === 'grant-done' && event.ref === ledger.grantRef) {
    ledger.grantRef = undefined;
    // The agent's rule: from here on there is a session.
    if (event.error === undefined) ledger.session = true;
  }
}

function judge(ledger: Ledger, event: PaeEvent, effect: PaeEffect): void {
  switch (effect.type) {
    case 'ask-server':
      expect(ledger.serverRef).toBeUndefined();
      expect(ledger.grantRef).toBeUndefined();
      ledger.serverRef = effect.ref;
      ledger.refused = false;
      break;
    case 'cancel-server':
      expect(effect.ref).toBe(ledger.serverRef);
      ledger.serverRef = undefined;
      break;
    case 'accepted':
    case 'reauthenticated':
      expect(event.type).toBe('aaa-accept');
      expect(ledger.grantRef).toBeUndefined();
      expect(ledger.refused).toBe(false);
      expect(ledger.session).toBe(effect.type === 'reauthenticated');
      ledger.grantRef = effect.ref;
      break;
    case 'rejected':
      expect(ledger.session).toBe(false);
      ledger.refused = true;
      break;
    case 'ended':
      expect(ledger.session).toBe(true);
      expect(effect.eapFailure[0]).toBe(4);
      ledger.session = false;
      ledger.refused = true;
      break;
    case 'send-eapol':
      if (effect.body[0] === 3) expect(event.type).toBe('grant-done');
      // Where a session is, EAP-Failure is the logout machine's to send.
      if (effect.body[0] === 4) expect(ledger.session).toBe(false);
      if (effect.body[0] === 1) ledger.requestId = effect.body[1] ?? 0;
      break;
    case 'decision':
      expect(effect.detail).not.toMatch(/\p{C}/u);
      break;
    case 'reauthentication-due':
      expect(event.type).toBe('tick');
      expect(ledger.session).toBe(true);
      break;
    case 'unanswered':
      expect(ledger.session).toBe(true);
      break;
    case 'counted':
      break;
  }
}

interface Tally {
  logins: number;
  renewals: number;
  ends: number;
  rejects: number;
}

/** Plays `count` events; every promise of client.ts is checked after each. */
function play(seed: number, count: number): Tally {
  const roll = dice(seed);
  const settings = { ...PAE_DEFAULTS, quietPeriod: seconds(2) };
  const client = new AuthenticatorClient({ settings, firstIdentifier: roll.below(256) });
  const ledger: Ledger = {
    serverRef: undefined,
    grantRef: undefined,
    session: false,
    refused: false,
    requestId: 0,
  };
  const tally: Tally = { logins: 0, renewals: 0, ends: 0, rejects: 0 };
  let now = instant(0);
  for (let i = 0; i < count; i++) {
    now = instant(now + roll.pick([0, 1, 300, 1500, 4000]));
    const event = nextEvent(roll, ledger);
    heard(ledger, event);
    const effects = client.handle(event, now);
    expect(effects.length).toBeLessThan(16);
    for (const effect of effects) {
      judge(ledger, event, effect);
      if (effect.type === 'accepted') tally.logins++;
      if (effect.type === 'reauthenticated') tally.renewals++;
      if (effect.type === 'ended') tally.ends++;
      if (effect.type === 'rejected') tally.rejects++;
    }
    expect(client.authenticated).toBe(ledger.session);
    if (event.type === 'tick') expect(client.pollAt()).toBeGreaterThan(now);
    // Nobody is left hanging: something is awaited, or the object may go.
    const awaited = ledger.grantRef !== undefined || client.pollAt() < Number.POSITIVE_INFINITY;
    if (!ledger.session) expect(awaited || client.isForgettable()).toBe(true);
  }
  return tally;
}

describe('40,000 random events', () => {
  it('never throw, and hold every promise', () => {
    const sum: Tally = { logins: 0, renewals: 0, ends: 0, rejects: 0 };
    for (let seed = 1; seed <= 40; seed++) {
      const tally = play(seed, 1000);
      for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += tally[key];
    }
    // The dice must have reached every corner, or the run has shown nothing.
    expect(Math.min(...Object.values(sum))).toBeGreaterThan(50);
  });
});

describe('every truncation and every single-octet change of a valid response', () => {
  it('is relayed only where it still answers the question', () => {
    const valid = identityResponse(10);
    for (let at = 0; at < valid.length; at++) {
      for (let value = 0; value < 256; value++) {
        const client = new AuthenticatorClient({
          settings: PAE_DEFAULTS,
          firstIdentifier: 9,
        });
        client.handle({ type: 'eapol-start' }, instant(0));
        const packet = valid.slice();
        packet[at] = value;
        const asked = client
          .handle({ type: 'eap-response', packet }, instant(1))
          .filter((e) => e.type === 'ask-server');
        const intact = at >= 5 || value === valid[at];
        const shorter = at === 3 && value >= 5 && value < valid.length;
        expect(asked.length).toBe(intact || shorter ? 1 : 0);
      }
    }
    for (let length = 0; length < valid.length; length++) {
      const client = new AuthenticatorClient({ settings: PAE_DEFAULTS, firstIdentifier: 9 });
      client.handle({ type: 'eapol-start' }, instant(0));
      const packet = valid.subarray(0, length);
      const effects = client.handle({ type: 'eap-response', packet }, instant(1));
      expect(effects).toContainEqual({ type: 'counted', counter: 'eap-malformed' });
      expect(effects.some((e) => e.type === 'ask-server')).toBe(false);
    }
  });
});
