// What `rollcall top` shows of one round: how things stand in a line, then who sends and receives how much. Pure.

import type { SessionPayload } from '../report/payloads.ts';
import type { Look } from './look.ts';
import { type Colors, clean, colors, duration, natural, plural, table } from './text.ts';
import type { ViewContext } from './views.ts';

/** How things stood when they were looked at. */
export interface Reading extends Look {
  /** Milliseconds of a clock that is not set. */
  readonly at: number;
}

/** Octets a second since the reading before. */
export interface Rates {
  readonly input: number;
  readonly output: number;
}

export interface Row {
  readonly session: SessionPayload;
  /** Undefined: its port has others on it, too, or it was not there at the reading before. */
  readonly rates: Rates | undefined;
}

export const SORTS = ['rate', 'in', 'out', 'idle', 'age', 'port', 'user'] as const;
export type Sort = (typeof SORTS)[number];

/** Sorted; where that leaves it open, by port and key. */
export function rowsOf(reading: Reading, before: Reading | undefined, sort: Sort): readonly Row[] {
  const seconds = before === undefined ? 0 : (reading.at - before.at) / 1000;
  const known = new Map(before?.sessions.map((session) => [session.session_id, session.counters]));
  const rows = reading.sessions.map((session): Row => {
    const [from, to] = [known.get(session.session_id), session.counters];
    if (from === undefined || to === undefined || seconds <= 0) return { session, rates: undefined };
    const rate = (key: 'input_octets' | 'output_octets') => Math.max(0, to[key] - from[key]) / seconds;
    return { session, rates: { input: rate('input_octets'), output: rate('output_octets') } };
  });
  return rows.sort(
    (a, b) =>
      ORDER[sort](a, b) ||
      natural(a.session.port ?? '', b.session.port ?? '') ||
      natural(a.session.key, b.session.key),
  );
}

/** Most first; those without rates last. */
const most =
  (figure: (rates: Rates) => number) =>
  ({ rates: a }: Row, { rates: b }: Row): number =>
    (b === undefined ? -1 : figure(b)) - (a === undefined ? -1 : figure(a));

const ORDER: Readonly<Record<Sort, (a: Row, b: Row) => number>> = {
  rate: most(({ input, output }) => input + output),
  in: most(({ input }) => input),
  out: most(({ output }) => output),
  idle: ({ session: a }, { session: b }) => seenAt(a) - seenAt(b),
  age: ({ session: a }, { session: b }) => Date.parse(a.started) - Date.parse(b.started),
  port: () => 0,
  user: ({ session: a }, { session: b }) => natural(a.user_name, b.user_name),
};

function seenAt({ last_seen: seen, started }: SessionPayload): number {
  return Date.parse(seen ?? started);
}

/** Who is on, what of the ports, the servers and the broker is up: one line, or more where the window is narrower. */
export function stateLines(
  seen: Look,
  { paint, now }: ViewContext,
  columns = Number.POSITIVE_INFINITY,
): readonly string[] {
  const parts = stateParts(seen, { paint, now });
  const widths = stateParts(seen, { paint: colors(false), now }).map(({ length }) => length);
  const lines: string[] = [];
  let width = 0;
  for (const [index, part] of parts.entries()) {
    const wider = width + SEPARATOR.length + (widths[index] ?? 0);
    if (lines.length > 0 && wider <= columns) {
      lines.push(`${lines.pop()}${SEPARATOR}${part}`);
      width = wider;
    } else {
      lines.push(part);
      width = widths[index] ?? 0;
    }
  }
  return lines;
}

const SEPARATOR = '; ';

function stateParts(
  { info, servers, ports, sessions }: Look,
  { paint, now }: ViewContext,
): readonly string[] {
  const silent = sessions.filter(({ handshake }) => handshake.silent_periods > 0).length;
  const up = ports.filter(({ link }) => link === 'up').length;
  const locked = ports.filter((port) => port.locked).length;
  const answering = servers.filter(({ state }) => state === 'up').length;
  const radius = `RADIUS ${answering} of ${servers.length} up`;
  const { pending } = info.accounting;
  return [
    `${paint.bold(clean(info.switch))} up ${duration((now - Date.parse(info.started)) / 1000)}`,
    `${plural(sessions.length, 'session')}${silent > 0 ? `, ${paint.yellow(`${silent} silent`)}` : ''}`,
    `${plural(ports.length, 'port')}, ${up} up, ${locked} locked`,
    ...(servers.length === 0 ? [] : [answering < servers.length ? paint.red(radius) : radius]),
    ...(pending === 0 ? [] : [`${plural(pending, 'record')} pending`]),
    info.mqtt.connected ? 'broker connected' : paint.red('no broker'),
  ];
}

/** What a narrow window cuts is on the right. */
const HEAD = ['port', 'user', 'in', 'out', 'liveness', 'idle', 'online', 'address', 'MAC'];

/** A line each; no more than `most` of them, the rest counted in a line of its own. */
export function sessionLines(
  rows: readonly Row[],
  { paint, now }: ViewContext,
  most = Number.POSITIVE_INFINITY,
): readonly string[] {
  if (rows.length === 0) return ['no sessions'];
  // The head takes one line, and those that are left out another.
  const shown = rows.length < most ? rows : rows.slice(0, Math.max(0, most - 2));
  const rates = aligned(shown.map(({ rates }) => [rateText(rates?.input), rateText(rates?.output)]));
  const cells = shown.map(({ session }, index) => [
    session.port ?? '-',
    paint.bold(clean(session.user_name, 20)),
    ...(rates[index] ?? []),
    liveness(session, paint),
    duration((now - seenAt(session)) / 1000),
    duration(session.session_time_s ?? (now - Date.parse(session.started)) / 1000),
    session.ipv4 ?? session.ipv6 ?? '-',
    session.mac ?? '-',
  ]);
  const lines = shown.length === 0 ? [] : table(HEAD, cells, paint).split('\n');
  const left = rows.length - shown.length;
  return left === 0 ? lines : [...lines, paint.dim(`and ${plural(left, 'session')} more`)];
}

function liveness({ handshake, in_band: inBand }: SessionPayload, paint: Colors): string {
  const { silent_periods: silent, times, period_s: period } = handshake;
  if (silent > 0) return paint.yellow(`silent ${silent}/${times}`);
  if (!inBand) return paint.dim('out of band');
  return period === 0 ? paint.dim('not asked') : 'heard';
}

const UNITS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];

/** Three digits: `0 bit/s`, `1.25 Mbit/s`, `940 Mbit/s`; `-` where it is not known. */
export function rateText(octetsPerSecond: number | undefined): string {
  if (octetsPerSecond === undefined) return '-';
  let value = octetsPerSecond * 8;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** Each column flush right. */
function aligned(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => row.map((text, column) => text.padStart(widths[column] ?? 0)));
}
