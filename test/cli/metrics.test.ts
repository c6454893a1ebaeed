// `rollcall metrics`: Prometheus' text format, read strictly; and the file for the textfile collector.

import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exposition } from '../../src/cli/exposition.ts';
import { END_CAUSES } from '../../src/model/cause.ts';
import { INFO, PORT } from '../report/samples.ts';
import { rollcall } from '../rigs/command-line.ts';
import { parseExposition } from '../rigs/exposition.ts';
import { ScriptedSwitch, SERVERS, sessionOf } from './scripted-switch.ts';

let folder = '';
let agent: ScriptedSwitch;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollcall-metrics-'));
  agent = new ScriptedSwitch(join(folder, 'rollcall.sock'));
  await agent.open();
});

afterEach(async () => {
  await agent.leave();
  rmSync(folder, { recursive: true, force: true });
});

const metrics = (...args: readonly string[]) => rollcall(['metrics', '--socket', agent.path, ...args]);

test('what the agent counts, by the names that docs/monitoring.md lists', async () => {
  agent.sessions = [sessionOf(1), sessionOf(2), { ...sessionOf(2), method: 'mab' }];
  const { code, out, err } = await metrics();
  expect([code, err]).toEqual([0, '']);
  const { samples, types } = parseExposition(out);
  expect(samples).toMatchObject({
    rollcall_up: 1,
    'rollcall_build_info{backend="switchdev",switch="sw1",version="0.1.0"}': 1,
    rollcall_start_time_seconds: Date.parse(INFO.started) / 1000,
    'rollcall_sessions{method="dot1x",port="p2"}': 1,
    'rollcall_sessions{method="mab",port="p2"}': 1,
    'rollcall_ports{control="auto",link="up",state="locked"}': 1,
    'rollcall_ports{control="auto",link="down",state="open"}': 1,
    'rollcall_auth_total{method="dot1x",port="p1",result="rejected"}': 0,
    'rollcall_auth_total{method="mab",port="p2",result="accepted"}': 0,
    'rollcall_logouts_total{cause="handshake-timeout"}': 5,
    'rollcall_logouts_total{cause="drain"}': 0,
    rollcall_probes_sent_total: 40,
    rollcall_probes_answered_total: 31,
    'rollcall_radius_server_up{server="192.0.2.1:2083",use="accounting"}': 0,
    'rollcall_radius_requests_total{server="[2001:db8::1]:1812",use="authentication"}': 7,
    'rollcall_radius_round_trip_seconds{server="[2001:db8::1]:1812",use="authentication"}': 0.0015,
    'rollcall_radius_access_answers_total{result="accept",server="[2001:db8::1]:1812",use="authentication"}': 2,
    'rollcall_radius_dropped_total{reason="bad-authenticator",server="[2001:db8::1]:1812",use="authentication"}': 1,
    'rollcall_radius_connection_failures_total{reason="certificate",server="192.0.2.1:2083",use="accounting"}': 3,
    rollcall_reauthentications_waiting: 12,
    rollcall_accounting_queue_length: 2,
    rollcall_accounting_oldest_age_seconds: 75,
    'rollcall_drops_total{reason="drop-eapol-short"}': 2,
    'rollcall_repairs_total{kind="ports-locked-again"}': 1,
    rollcall_broker_connected: 1,
    rollcall_events_waiting: 4,
    rollcall_events_dropped_total: 3,
  });
  for (const cause of Object.keys(END_CAUSES))
    expect(samples).toHaveProperty([`rollcall_logouts_total{cause="${cause}"}`]);
  const page = readFileSync(join(import.meta.dirname, '../../docs/monitoring.md'), 'utf8');
  const listed = [...page.matchAll(/^\| `(rollcall_[a-z0-9_]+)/gm)].map(([, name = '']) => name);
  expect([...types.keys()].filter((name) => !listed.includes(name))).toEqual([]);
});

test('nobody is named in it', async () => {
  const { out } = await metrics();
  expect(out).not.toMatch(/alice|aa:bb:cc|aa-bb-cc|192\.0\.2\.10\b/);
});

test('what a configuration or a kernel names cannot break a line', async () => {
  const port = { ...PORT, port: 'p"1\\\n' };
  const text = await exposition({ info: INFO, ...SERVERS, ports: [port], sessions: [] });
  const { samples } = parseExposition(text);
  expect(samples).toMatchObject({
    'rollcall_eapol_frames_total{direction="rx",port="p\\"1\\\\\\n",type="start"}': 0,
  });
});

test('--output replaces a file as a whole, readable for the collector', async () => {
  const file = join(folder, 'textfile', 'rollcall.prom');
  expect(await metrics('--output', file)).toEqual({ code: 0, out: '', err: '' });
  expect(parseExposition(readFileSync(file, 'utf8')).samples).toMatchObject({ rollcall_up: 1 });
  expect(statSync(file).mode & 0o777).toBe(0o644);
  expect(readdirSync(join(folder, 'textfile'))).toEqual(['rollcall.prom']);
});

test('no agent: rollcall_up 0 and nothing else, exit 3', async () => {
  await agent.leave();
  const file = join(folder, 'rollcall.prom');
  const { code, err } = await metrics('--output', file);
  expect([code, err]).toEqual([3, expect.stringMatching(/no agent is running here/)]);
  expect(parseExposition(readFileSync(file, 'utf8')).samples).toEqual({ rollcall_up: 0 });
  expect(parseExposition((await metrics()).out).samples).toEqual({ rollcall_up: 0 });
});

test('an agent that refuses, as while it starts: exit 1, and the file is left', async () => {
  agent.refuses = 'the agent is starting';
  const file = join(folder, 'rollcall.prom');
  writeFileSync(file, 'as it was');
  expect(await metrics('--output', file)).toEqual({
    code: 1,
    out: '',
    err: 'rollcall: the agent is starting\n',
  });
  expect(readFileSync(file, 'utf8')).toBe('as it was');
});

test('a file that cannot be written: exit 1', async () => {
  const file = join(folder, 'rollcall.sock', 'rollcall.prom');
  expect(await metrics('--output', file)).toMatchObject({
    code: 1,
    err: expect.stringMatching(/cannot write/),
  });
});
