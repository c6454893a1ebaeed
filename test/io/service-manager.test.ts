import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { feedingPeriod, ServiceManager } from '../../src/io/host/service-manager.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const PID = 42;

function manager(env: Record<string, string>, answer = 1) {
  const told: string[] = [];
  const complaints: string[] = [];
  let status = '8 of 8 controlled ports set and watched';
  const found = ServiceManager.find({
    env,
    pid: PID,
    status: () => status,
    onError: (message) => complaints.push(message),
    notify: (state) => {
      told.push(state);
      return answer;
    },
  });
  return {
    found,
    told,
    complaints,
    become: (text: string) => {
      status = text;
    },
  };
}

const WATCHED = {
  NOTIFY_SOCKET: '/run/systemd/notify',
  WATCHDOG_USEC: '60000000',
  WATCHDOG_PID: String(PID),
};

describe('a service manager', () => {
  it('that does not want to hear is told nothing', () => {
    expect(manager({ WATCHDOG_USEC: '60000000' }).found).toBeUndefined();
  });

  it('hears of readiness with how things stand, then of life six times in its patience, and of changes', () => {
    const { found, told, become } = manager(WATCHED);
    found?.ready();
    expect(told).toEqual(['READY=1\nSTATUS=8 of 8 controlled ports set and watched']);
    vi.advanceTimersByTime(60_000);
    expect(told.slice(1)).toEqual(Array(6).fill('WATCHDOG=1'));
    become('7 of 8');
    vi.advanceTimersByTime(10_000);
    expect(told.at(-1)).toBe('WATCHDOG=1\nSTATUS=7 of 8');
  });

  it('that has no watchdog hears of changes alone', () => {
    const { found, told, become } = manager({ NOTIFY_SOCKET: '@x' });
    found?.ready();
    vi.advanceTimersByTime(60_000);
    become('7 of 8');
    vi.advanceTimersByTime(60_000);
    expect(told.slice(1)).toEqual(['STATUS=7 of 8']);
  });

  it('hears of a reload before and after it, and of the end', () => {
    const { found, told, become } = manager(WATCHED);
    found?.ready();
    found?.reloading(() => become('6 of 6'));
    found?.stopping();
    found?.close();
    vi.advanceTimersByTime(60_000);
    expect(told.slice(1)).toEqual([
      expect.stringMatching(/^RELOADING=1\nMONOTONIC_USEC=\d+$/),
      'READY=1\nSTATUS=6 of 6',
      'STOPPING=1',
    ]);
  });

  it('is given a status of one line, whatever is in it', () => {
    const { found, told } = manager(WATCHED);
    found?.status('waiting for br0\nREADY=1');
    expect(told).toEqual(['STATUS=waiting for br0 READY=1']);
  });

  it('that is not reached is complained of once', () => {
    const { found, complaints } = manager(WATCHED, -111);
    found?.ready();
    vi.advanceTimersByTime(60_000);
    expect(complaints).toEqual(['the service manager was not reached: errno 111']);
  });
});

describe('the watchdog', () => {
  it.each([
    [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' }, 10_000],
    [{ WATCHDOG_USEC: '60000000' }, 10_000],
    [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '43' }, undefined],
    [{ WATCHDOG_USEC: '0' }, undefined],
    [{ WATCHDOG_USEC: 'soon' }, undefined],
    [{}, undefined],
  ])('of %j is fed every %j ms', (env, period) => {
    expect(feedingPeriod(env, PID)).toBe(period);
  });
});
