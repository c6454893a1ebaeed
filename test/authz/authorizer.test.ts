import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Authorizer, type AuthzEffect } from '../../src/authz/authorizer.ts';
import type { Mac } from '../../src/base/mac.ts';
import { instant } from '../../src/base/time.ts';
import type { GrantKey, PortName } from '../../src/model/dataplane.ts';

const key: GrantKey = { mac: '02:00:00:00:00:01' as Mac, port: 'p1' as PortName, vlan: 0 };
const names = (effects: readonly AuthzEffect[]): string[] => effects.map(({ type }) => type);

describe('wanted against applied', () => {
  it('a wish is written, and reported when the kernel has acknowledged it', () => {
    const authz = new Authorizer();
    expect(names(authz.want(key))).toEqual(['grant']);
    expect(names(authz.done({ key }, instant(1)))).toEqual(['granted']);
  });

  it('a wish already fulfilled says so without touching the table', () => {
    const authz = new Authorizer();
    authz.want(key);
    authz.done({ key }, instant(1));
    expect(names(authz.want(key))).toEqual(['granted']);
  });

  it('a grant that cannot be written is reported once and taken back: perhaps only the answer was lost', () => {
    const authz = new Authorizer();
    authz.want(key);
    expect(names(authz.done({ key, error: 'ETIMEDOUT' }, instant(1)))).toEqual(['grant-failed', 'revoke']);
    expect(authz.isWanted(key)).toBe(false);
    expect(names(authz.done({ key }, instant(2)))).toEqual(['revoked']);
    expect(authz.pollAt()).toBe(Number.POSITIVE_INFINITY);
  });

  it('a wish withdrawn while it is being written is revoked as soon as it stands', () => {
    const authz = new Authorizer();
    authz.want(key);
    expect(authz.unwant(key)).toEqual([]);
    expect(names(authz.done({ key }, instant(1)))).toEqual(['revoke']);
    expect(names(authz.done({ key }, instant(2)))).toEqual(['revoked']);
  });

  it('a wish withdrawn and renewed while it is being written is not revoked, and whoever waits for that hears so', () => {
    const authz = new Authorizer();
    authz.want(key);
    authz.unwant(key);
    expect(names(authz.want(key))).toEqual(['superseded']);
    expect(authz.want(key)).toEqual([]);
    expect(names(authz.done({ key }, instant(1)))).toEqual(['granted']);
  });

  it('a wish renewed while it is being revoked is written again after the removal', () => {
    const authz = new Authorizer();
    authz.want(key);
    authz.done({ key }, instant(1));
    authz.unwant(key);
    expect(authz.want(key)).toEqual([]);
    expect(names(authz.done({ key }, instant(2)))).toEqual(['revoked', 'grant']);
  });

  it('a wish renewed while it is being revoked is written again, too, where the removal fails: whoever waits hears so', () => {
    const authz = new Authorizer();
    authz.want(key);
    authz.done({ key }, instant(1));
    authz.unwant(key);
    authz.want(key);
    expect(names(authz.done({ key, error: 'EBUSY' }, instant(2)))).toEqual(['superseded', 'grant']);
    expect(authz.pollAt()).toBe(Number.POSITIVE_INFINITY);
    expect(names(authz.done({ key }, instant(3)))).toEqual(['granted']);
  });

  it('a removal that fails is alarmed and retried at 1, 2, 4, ... 30 s for ever', () => {
    const authz = new Authorizer();
    authz.want(key);
    authz.done({ key }, instant(0));
    authz.unwant(key);
    let now = 0;
    const delays: number[] = [];
    for (let tries = 1; tries <= 8; tries++) {
      expect(authz.done({ key, error: 'EBUSY' }, instant(now))).toEqual([
        { type: 'revoke-failed', key, tries, error: 'EBUSY' },
      ]);
      delays.push(authz.pollAt() - now);
      expect(authz.tick(instant(authz.pollAt() - 1))).toEqual([]);
      now = authz.pollAt();
      expect(names(authz.tick(instant(now)))).toEqual(['revoke']);
    }
    expect(delays).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000]);
    expect(names(authz.done({ key }, instant(now)))).toEqual(['revoked']);
    expect(authz.pollAt()).toBe(Number.POSITIVE_INFINITY);
  });

  it('an entry that is not ours is removed in the same way', () => {
    const authz = new Authorizer();
    expect(names(authz.unwant(key))).toEqual(['revoke']);
    expect(names(authz.done({ key }, instant(1)))).toEqual(['revoked']);
  });

  it('a port that is gone took its entries along: what waited for a removal has it', () => {
    const authz = new Authorizer();
    authz.want(key);
    authz.done({ key }, instant(0));
    authz.unwant(key);
    expect(names(authz.portGone(key.port))).toEqual(['revoked']);
    expect(authz.done({ key, error: 'ENODEV' }, instant(1))).toEqual([]);
  });

  it('in any order of wishes and answers: one operation at a time, and the table ends as wished', () => {
    const step = fc.constantFrom('want', 'unwant', 'ok', 'fail', 'tick');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const authz = new Authorizer();
        let now = 0;
        let held = false;
        let underway: 'grant' | 'revoke' | undefined;
        let wanted = false;
        const take = (effects: readonly AuthzEffect[]): void => {
          for (const { type } of effects) {
            if (type === 'grant-failed') wanted = false;
            if (type !== 'grant' && type !== 'revoke') continue;
            expect(underway).toBeUndefined();
            underway = type;
          }
        };
        const answer = (error?: string): void => {
          if (underway === undefined) return;
          if (error === undefined) held = underway === 'grant';
          underway = undefined;
          take(authz.done(error === undefined ? { key } : { key, error }, instant(now)));
        };
        for (const name of steps) {
          now += 500;
          if (name === 'want') {
            wanted = true;
            take(authz.want(key));
          } else if (name === 'unwant') {
            wanted = false;
            take(authz.unwant(key));
          } else if (name === 'ok') answer();
          else if (name === 'fail') answer('EIO');
          else take(authz.tick(instant(now)));
        }
        for (let i = 0; i < 20; i++) {
          answer();
          now += 60_000;
          take(authz.tick(instant(now)));
        }
        expect(held).toBe(wanted);
      }),
      { seed: 7, numRuns: 500 },
    );
  });
});
