// A flood of strangers against one port's bounds.

import { describe, expect, it } from 'vitest';
import { instant } from '../../src/base/time.ts';
import { CLIENT_LIMITS, ClientAdmission } from '../../src/pae/limits.ts';

const LIMITS = { clientsInProgress: 4, newPerSecond: 2, newBurst: 3, responsesPerSecond: 1 };

describe('newcomers on one port', () => {
  it('come in as a burst, and then at the rate', () => {
    const door = new ClientAdmission(LIMITS);
    const at = (ms: number) => door.admit({ inProgress: 0, silent: 0 }, instant(ms)).verdict;
    expect([at(0), at(0), at(0)]).toEqual(['admitted', 'admitted', 'admitted']);
    expect(door.admit({ inProgress: 0, silent: 0 }, instant(499))).toEqual({
      verdict: 'refused',
      reason: 'too-many-newcomers',
    });
    expect(at(500)).toBe('admitted');
    expect(at(501)).toBe('refused');
    expect(at(1000)).toBe('admitted');
  });

  it('save up no more than a burst over a calm night', () => {
    const door = new ClientAdmission(LIMITS);
    door.admit({ inProgress: 0, silent: 0 }, instant(0));
    let admitted = 0;
    for (let i = 0; i < 100; i++) {
      if (door.admit({ inProgress: 0, silent: 0 }, instant(36_000_000)).verdict === 'admitted') admitted++;
    }
    expect(admitted).toBe(3);
  });

  it('find a full port open if somebody there has never answered', () => {
    const door = new ClientAdmission(LIMITS);
    expect(door.admit({ inProgress: 3, silent: 0 }, instant(0))).toEqual({ verdict: 'admitted' });
    expect(door.admit({ inProgress: 4, silent: 0 }, instant(0))).toEqual({
      verdict: 'refused',
      reason: 'too-many-clients',
    });
    expect(door.admit({ inProgress: 4, silent: 1 }, instant(0))).toEqual({ verdict: 'in-place-of-silent' });
  });

  it('who were refused for want of room have spent nothing', () => {
    const door = new ClientAdmission(LIMITS);
    for (let i = 0; i < 50; i++) door.admit({ inProgress: 4, silent: 0 }, instant(0));
    expect(door.admit({ inProgress: 0, silent: 0 }, instant(0)).verdict).toBe('admitted');
  });

  it('a minute of 1,000 random MACs a second leaves at most 64 clients, by default', () => {
    const door = new ClientAdmission();
    let inProgress = 0;
    for (let ms = 0; ms < 60_000; ms++) {
      if (door.admit({ inProgress, silent: inProgress }, instant(ms)).verdict === 'admitted') inProgress++;
    }
    expect(inProgress).toBe(CLIENT_LIMITS.clientsInProgress);
  });
});
