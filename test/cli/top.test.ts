// `rollcall top`: rates between two answers, what comes first, and a terminal that is drawn on and given back.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CliOptions } from '../../src/cli/cli.ts';
import { type Output, Screen } from '../../src/cli/screen.ts';
import { type Colors, colors } from '../../src/cli/text.ts';
import {
  type Reading,
  rateText,
  rowsOf,
  type Sort,
  sessionLines,
  stateLines,
} from '../../src/cli/top-view.ts';
import type { SessionPayload } from '../../src/report/payloads.ts';
import { until } from '../io/mosquitto.ts';
import { AT, INFO, PORT } from '../report/samples.ts';
import { rollcall } from '../rigs/command-line.ts';
import { ScriptedSwitch, SERVERS, sessionOf } from './scripted-switch.ts';

const CONTEXT = { paint: colors(false), now: AT };

function reading(at: number, ...sessions: readonly SessionPayload[]): Reading {
  return { at, info: INFO, ...SERVERS, ports: [PORT], sessions };
}

describe('rates', () => {
  test('are what was sent between two answers, by the time between them', () => {
    const before = reading(1_000, sessionOf(1, [500, 9_000]));
    const [row] = rowsOf(reading(3_000, sessionOf(1, [2_500, 9_000])), before, 'rate');
    expect(row?.rates).toEqual({ input: 1_000, output: 0 });
  });

  test.each([
    ['whose port has others on it', sessionOf(1), sessionOf(1)],
    ['who has just come', undefined, sessionOf(1, [5, 5])],
    ['who has come back', sessionOf(1, [500, 500]), { ...sessionOf(1, [5, 5]), session_id: 'another' }],
  ])('there are none of a session %s', (_, was, is) => {
    const before = reading(0, ...(was === undefined ? [] : [was]));
    expect(rowsOf(reading(1_000, is), before, 'rate')).toEqual([{ session: is, rates: undefined }]);
  });

  test.each([
    [undefined, '-'],
    [0, '0 bit/s'],
    [100, '800 bit/s'],
    [124.93, '999 bit/s'],
    [125, '1.00 kbit/s'],
    [156_250, '1.25 Mbit/s'],
    [1_250_000, '10.0 Mbit/s'],
    [117_500_000, '940 Mbit/s'],
    [124_990_000, '1.00 Gbit/s'],
  ])('%j octets a second: %s', (octets, text) => {
    expect(rateText(octets)).toBe(text);
  });
});

test.each<[Sort, string]>([
  ['rate', '3 2 1 4'],
  ['in', '2 3 1 4'],
  ['out', '3 1 2 4'],
  ['idle', '4 1 2 3'],
  ['age', '2 1 3 4'],
  ['port', '1 2 3 4'],
  ['user', '4 1 2 3'],
])('sorted by %s', (sort, order) => {
  const before = reading(0, ...[1, 2, 3].map((n) => sessionOf(n, [0, 0])), sessionOf(4));
  const now = reading(
    1_000,
    sessionOf(1, [10, 20]),
    { ...sessionOf(2, [80, 10]), started: '2025-01-31T10:00:00.000Z' },
    sessionOf(3, [70, 90]),
    { ...sessionOf(4), user_name: 'adam', last_seen: '2025-01-31T11:58:00.000Z' },
  );
  expect(
    rowsOf(now, before, sort)
      .map(({ session }) => session.port?.slice(1))
      .join(' '),
  ).toBe(order);
});

describe('what is shown', () => {
  test('a line of state, two where the window is narrow', () => {
    const ports = [PORT, { ...PORT, link: 'down', locked: false } as const];
    const seen = { ...reading(0, sessionOf(1)), ports };
    const line =
      'sw1 up 1 h; 1 session, 1 silent; 2 ports, 1 up, 1 locked; RADIUS 1 of 2 up; 2 records pending; broker connected';
    expect(stateLines(seen, CONTEXT)).toEqual([line]);
    const narrow = (paint: Colors) => stateLines(seen, { ...CONTEXT, paint }, 60);
    expect(narrow(colors(false))).toEqual([
      'sw1 up 1 h; 1 session, 1 silent; 2 ports, 1 up, 1 locked',
      'RADIUS 1 of 2 up; 2 records pending; broker connected',
    ]);
    expect(narrow(colors(true))).toHaveLength(2);
  });

  test('a line each: figures flush right, hostile names harmless, of layer 3 an address alone', () => {
    const quiet = { ...sessionOf(1, [0, 0]).handshake, silent_periods: 0 };
    const now = reading(
      1_000,
      { ...sessionOf(1, [125_000, 40]), user_name: 'eve\u001b[2J\u202e', handshake: quiet },
      { ...sessionOf(2), port: null, mac: null, handshake: { ...quiet, period_s: 0 } },
    );
    const rows = rowsOf(now, reading(0, sessionOf(1, [0, 0])), 'rate');
    expect(sessionLines(rows, CONTEXT)).toEqual([
      'PORT  USER                IN           OUT        LIVENESS   IDLE  ONLINE      ADDRESS     MAC',
      'p1    eve\\x1b[2J\\u{202e}  1.00 Mbit/s  320 bit/s  heard      30 s  3 min 12 s  192.0.2.10  02:99:00:00:00:01',
      '-     user2                         -          -  not asked  30 s  3 min 12 s  192.0.2.10  -',
    ]);
  });

  test('as many as there is room for, and how many are left out', () => {
    const rows = rowsOf(reading(0, ...[1, 2, 3, 4, 5].map((n) => sessionOf(n))), undefined, 'port');
    const shown = (most: number) => sessionLines(rows, CONTEXT, most).map((line) => line.split(/ /)[0]);
    expect(shown(6)).toEqual(['PORT', 'p1', 'p2', 'p3', 'p4', 'p5']);
    expect(sessionLines(rows, CONTEXT, 5).at(-1)).toBe('and 2 sessions more');
    expect(shown(5)).toEqual(['PORT', 'p1', 'p2', 'p3', 'and']);
    expect(shown(1)).toEqual(['and']);
  });
});

describe('the terminal', () => {
  class Window implements Output {
    columns = 80;
    rows = 24;
    text = '';
    private readonly listeners = new Set<() => void>();

    write(text: string): void {
      this.text += text;
    }

    on(_: 'resize', listener: () => void): void {
      this.listeners.add(listener);
    }

    removeListener(_: 'resize', listener: () => void): void {
      this.listeners.delete(listener);
    }

    resize(rows: number): void {
      this.rows = rows;
      for (const listener of this.listeners) listener();
    }
  }

  class Keys {
    raw: boolean | undefined;
    private listener: ((octets: Uint8Array) => void) | undefined;
    setRawMode = (raw: boolean): void => {
      this.raw = raw;
    };
    on = (_: 'data', listener: (octets: Uint8Array) => void): void => {
      this.listener = listener;
    };
    removeListener = (): void => {
      this.listener = undefined;
    };
    resume = (): void => undefined;
    pause = (): void => undefined;
    press = (text: string): void => this.listener?.(new TextEncoder().encode(text));
  }

  const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';

  test.each(['q', '\x03'])('is drawn in place, anew at another size, and given back at %j', (key) => {
    const window = new Window();
    const keyboard = new Keys();
    let quits = 0;
    const screen = Screen.open({
      output: window,
      keyboard,
      onQuit: () => {
        quits++;
      },
    });
    expect([keyboard.raw, window.text]).toEqual([true, '\x1b[?1049h\x1b[?25l\x1b[?7l']);
    window.text = '';
    screen.show(({ rows, columns }) => ['a', `of ${rows} by ${columns}`, 'c']);
    expect(window.text).toBe('\x1b[Ha\x1b[K\r\nof 24 by 80\x1b[K\r\nc\x1b[K\x1b[J');
    window.text = '';
    window.resize(2);
    expect(window.text).toBe('\x1b[Ha\x1b[K\r\nof 2 by 80\x1b[K\x1b[J');
    keyboard.press('x');
    expect(quits).toBe(0);
    keyboard.press(key);
    expect(quits).toBe(1);
    window.text = '';
    screen.close();
    window.resize(9);
    keyboard.press(key);
    expect([keyboard.raw, window.text, quits]).toEqual([false, LEAVE, 1]);
  });

  describe('and an agent', () => {
    let folder = '';
    let agent: ScriptedSwitch;

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'rollcall-top-'));
      agent = new ScriptedSwitch(join(folder, 'rollcall.sock'));
      await agent.open();
    });

    afterEach(async () => {
      await agent.leave();
      rmSync(folder, { recursive: true, force: true });
    });

    const said = { out: '', err: '' };

    async function top(args: readonly string[], options: Partial<CliOptions> = {}) {
      said.out = '';
      said.err = '';
      return rollcall(['top', '--socket', agent.path, '--interval', '0.1', ...args], options, said);
    }

    test('--count prints so many rounds, all with rates', async () => {
      agent.sessions = [sessionOf(1, [7, 7])];
      const { code, out, err } = await top(['--count', '2']);
      expect([code, err]).toEqual([0, '']);
      const rounds = out.trimEnd().split('\n\n');
      expect(rounds).toHaveLength(2);
      for (const round of rounds) {
        expect(round).toMatch(/^\d\d:\d\d:\d\d sw1 up 1 h; 1 session, 1 silent; /);
        expect(round).toMatch(
          /\np1 +user1 +0 bit\/s +0 bit\/s +silent 1\/3 +30 s +3 min 12 s +192\.0\.2\.10 +02:99:00:00:00:01$/,
        );
      }
      expect(agent.asked.slice(0, 4)).toEqual([
        { verb: 'info' },
        { verb: 'servers' },
        { verb: 'ports' },
        { verb: 'sessions', counters: true },
      ]);
    });

    test('--json is a document each round, on a line', async () => {
      agent.sessions = [sessionOf(2), sessionOf(1, [7, 7])];
      const { code, out } = await top(['--json', '--count', '2']);
      expect(code).toBe(0);
      const rounds = out.trimEnd().split('\n');
      expect(rounds).toHaveLength(2);
      expect(JSON.parse(rounds[1] ?? '')).toEqual({
        time: '2025-01-31T12:00:00.000Z',
        ok: true,
        info: INFO,
        servers: SERVERS.servers,
        ports: expect.any(Array),
        sessions: [
          { ...sessionOf(1, [7, 7]), rates: { input_octets_per_s: 0, output_octets_per_s: 0 } },
          { ...sessionOf(2), rates: null },
        ],
      });
    });

    test('an agent that goes away is told of once, and waited for', async () => {
      const stop = new AbortController();
      const running = top([], { signal: stop.signal });
      await until(() => said.out.length > 0);
      await agent.leave();
      await until(() => said.err.length > 0);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(said.err).toMatch(/^rollcall: no agent is running here: .*; trying on\n$/);
      const before = said.out.length;
      await agent.open();
      await until(() => said.out.length > before);
      stop.abort();
      expect((await running).code).toBe(0);
    });

    test('in a window it is drawn at once, and anew when the agent goes; the window is given back', async () => {
      const window = new Window();
      const stop = new AbortController();
      const running = top([], { signal: stop.signal, window });
      await until(() => window.text.includes('alice'));
      expect(window.text).toMatch(/every 0\.1 s, by rate; q quits/);
      await agent.leave();
      await until(() => window.text.includes('trying on'));
      stop.abort();
      expect(await running).toEqual({ code: 0, out: '', err: '' });
      expect(window.text.endsWith(LEAVE)).toBe(true);
    });

    test('3 with no agent at first, 1 when it refuses, and when the last round finds none', async () => {
      agent.refuses = 'the agent is starting';
      expect(await top([])).toEqual({ code: 1, out: '', err: 'rollcall: the agent is starting\n' });
      agent.refuses = undefined;
      const running = top(['--count', '3', '--json']);
      await until(() => said.out.length > 0);
      await agent.leave();
      const { code, out } = await running;
      expect(code).toBe(3);
      expect(JSON.parse(out.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
        ok: false,
        error: { code: 3 },
      });
      expect(await top([])).toMatchObject({
        code: 3,
        out: '',
        err: expect.stringMatching(/no agent is running/),
      });
    });

    test.each([
      [['--interval', '0']],
      [['--interval', '0.05']],
      [['--interval', '1e9']],
      [['--sort', 'colour']],
      [['--count', '0']],
    ])('2 for usage: %j', async (args) => {
      expect(await top(args)).toMatchObject({ code: 2, out: '' });
    });
  });
});
