// Answers as people read them: one function a verb. What programs read is `--json`, the answer as it came.

import { describeFault } from '../config/fault.ts';
import type { ResultOf } from '../report/answers.ts';
import type { PortPayload, SessionPayload } from '../report/payloads.ts';
import { ago, type Colors, clean, duration, facts, natural, plural, table } from './text.ts';

export interface ViewContext {
  readonly paint: Colors;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export function sessionsView({ sessions }: ResultOf<'sessions'>, { paint, now }: ViewContext): string {
  if (sessions.length === 0) return 'no sessions';
  const sorted = [...sessions].sort((a, b) => natural(a.port ?? '', b.port ?? '') || natural(a.key, b.key));
  const rows = sorted.map((session) => [
    session.mac ?? '-',
    paint.bold(clean(session.user_name, 32)),
    session.port ?? '-',
    vlansOf(session),
    session.ipv4 ?? session.ipv6 ?? '-',
    clean(session.role, 20),
    session.method,
    age(session, now),
    silence(session, { paint, now }),
  ]);
  const head = ['MAC', 'user', 'port', 'VLAN', 'address', 'role', 'method', 'online', 'last seen'];
  return `${table(head, rows, paint)}\n\n${plural(sessions.length, 'session')}`;
}

const ROLE_BY: Readonly<Record<SessionPayload['role_by'], string>> = {
  concentrator: 'of the concentrator',
  'filter-id': 'by Filter-Id',
  'vendor-attribute': "by the vendor's attribute",
  rule: 'by a rule for its MAC',
  port: "the port's",
  default: 'by default',
};

function age(session: SessionPayload, now: number): string {
  return duration(session.session_time_s ?? (now - Date.parse(session.started)) / 1000);
}

function silence(session: SessionPayload, { paint, now }: ViewContext): string {
  const seen = ago(session.last_seen, now);
  const { silent_periods: silent, times } = session.handshake;
  return silent > 0 ? `${seen} ${paint.yellow(`silent ${silent}/${times}`)}` : seen;
}

export function sessionView({ session }: ResultOf<'session'>, { paint, now }: ViewContext): string {
  const { handshake } = session;
  const pairs: [string, string][] = [
    ['user', paint.bold(clean(session.user_name, 253))],
    ...stationOf(session),
    ['IPv4', session.ipv4 ?? '-'],
    ['IPv6', session.ipv6 ?? '-'],
    ['role', `${clean(session.role)} (${ROLE_BY[session.role_by]})`],
    [
      'method',
      session.authenticated
        ? `${session.method}, accepted by ${clean(session.server)}`
        : `${session.method}: not authenticated`,
    ],
    ['online', `${age(session, now)}, since ${session.started}`],
    [
      'last seen',
      `${silence(session, { paint, now })}${session.last_seen_by === undefined ? '' : ` by ${session.last_seen_by}`}`,
    ],
    [
      'handshake',
      handshake.period_s === 0
        ? session.in_band
          ? 'off'
          : 'none: out of band'
        : `every ${duration(handshake.period_s)}, ${plural(handshake.times, 'time')}${handshake.keep ? ', kept when silent' : ''}${handshake.wake ? ', woken' : ''}`,
    ],
    ['session timer', timer(session.session_timeout_s)],
    ['heartbeat', timer(session.heartbeat_s)],
    ['idle timeout', timer(session.idle_timeout_s)],
    ['session id', clean(session.session_id)],
  ];
  if (session.reply_message !== undefined) pairs.push(['reply', clean(session.reply_message, 253)]);
  for (const rule of session.filter_rules ?? []) pairs.push(['filter rule (not enforced)', clean(rule, 128)]);
  for (const { name, value } of session.attributes ?? []) pairs.push([clean(name, 40), clean(value, 128)]);
  return facts(pairs, paint);
}

function stationOf(session: SessionPayload): [string, string][] {
  const { mac, port, concentrator } = session;
  const vlans = vlansOf(session);
  if (mac === null || port === null) return [['concentrator', concentrator ?? '-']];
  return [
    ['MAC', mac],
    ['port', vlans === '' ? port : `${port}, VLAN ${vlans}`],
  ];
}

/** `30`, `30 40t`, `40t`: t is tagged. */
function vlansOf({ vlan, tagged_vlans: tagged }: SessionPayload): string {
  const untagged = vlan === null || vlan === 0 || tagged.includes(vlan) ? [] : [String(vlan)];
  return [...untagged, ...tagged.map((id) => `${id}t`)].join(' ');
}

function timer(seconds: number | null): string {
  return seconds === null || seconds === 0 ? '-' : duration(seconds);
}

export function portsView({ ports }: ResultOf<'ports'>, { paint }: ViewContext): string {
  if (ports.length === 0) return 'no ports';
  const sorted = [...ports].sort((a, b) => natural(a.port, b.port));
  const rows = sorted.map((port) => [
    paint.bold(port.port),
    linkOf(port, paint),
    port.control,
    lockOf(port, paint),
    port.host_mode,
    clean(port.role, 20),
    mabOf(port),
    port.vlan === null || port.vlan === 0 ? '' : String(port.vlan),
    port.sessions.length === 0 ? '-' : String(port.sessions.length),
  ]);
  const head = ['port', 'link', 'control', 'state', 'host mode', 'role', 'MAB', 'VLAN', 'sessions'];
  return `${table(head, rows, paint)}\n\n${plural(ports.length, 'port')}`;
}

function mabOf({ mab, mab_clients: { waiting, asking, quiet } }: PortPayload): string {
  const some = [
    [waiting, 'waiting'],
    [asking, 'asking'],
    [quiet, 'quiet'],
  ].flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]));
  return mab ? some.join(', ') || 'on' : '';
}

function linkOf(port: PortPayload, paint: Colors): string {
  if (port.held_down !== null)
    return paint.yellow(port.held_down === 'bounce' ? 'bouncing' : 'disabled by CoA');
  if (port.admin === 'down') return paint.dim('disabled');
  return port.link === 'up' ? paint.green('up') : paint.dim('down');
}

function lockOf(port: PortPayload, paint: Colors): string {
  if (port.locked) return paint.green('locked');
  if (port.opened) return paint.yellow('open for all');
  return port.control === 'auto' ? paint.red('open') : paint.yellow('open');
}

function rightsOf({ rights }: ResultOf<'info'>): [string, string][] {
  if (rights === undefined) return [];
  const { user, capabilities, needless } = rights;
  const has =
    needless.length === 0
      ? capabilities.join(' ')
      : `${plural(needless.length, 'right')} that it does not need`;
  return [['runs as', `${user === 0 ? 'root' : `user ${user}`}, ${has === '' ? 'no rights' : has}`]];
}

export function infoView(info: ResultOf<'info'>, { paint, now }: ViewContext): string {
  const started = (now - Date.parse(info.started)) / 1000;
  const can = Object.entries(info.capabilities).map(([name, has]) =>
    has ? paint.green(name) : paint.dim(`no ${name}`),
  );
  const pairs: [string, string][] = [
    ['switch', paint.bold(clean(info.switch))],
    ['version', `${clean(info.version)}, up ${duration(started)}`],
    [
      'bridge',
      `${clean(info.bridge)}, uplinks ${info.uplinks.length === 0 ? '-' : info.uplinks.map((name) => clean(name)).join(' ')}`,
    ],
    ['sessions', `${info.counts.sessions} on ${plural(info.counts.ports, 'port')}`],
    ['timers', timersOf(info)],
    ...certifiedOf(info),
    ['accounting', accountingOf(info, paint)],
    ...(info.sso === undefined ? [] : [signOnOf(info.sso)]),
    ['backend', `${clean(info.backend)} on Linux ${clean(info.kernel)}`],
    ['can', can.join(', ')],
    ...rightsOf(info),
    ['MQTT', brokerOf(info, paint)],
  ];
  const missing = info.missing.map((sentence) => `${paint.yellow('!')} ${clean(sentence, 240)}`);
  const counters = Object.entries(info.counters).map(([name, value]): [string, string] => [
    clean(name),
    String(value),
  ]);
  return [
    facts(pairs, paint),
    ...(missing.length === 0 ? [] : [missing.join('\n')]),
    ...(counters.length === 0 ? [] : [facts(counters, paint)]),
  ].join('\n\n');
}

function brokerOf({ mqtt }: ResultOf<'info'>, paint: ViewContext['paint']): string {
  const what = mqtt.embedded
    ? 'embedded broker, MQTT 3.1.1'
    : `MQTT ${mqtt.protocol_version}, will delay ${duration(mqtt.will_delay_s)}`;
  // An older agent says nothing of it.
  return mqtt.connected === false ? `${what}, ${paint.yellow('not connected')}` : what;
}

function certifiedOf({ certified_devices: list }: ResultOf<'info'>): [string, string][] {
  if (list === null) return [];
  const { devices, capacity, next_clearing: next } = list;
  const clearing = next === null ? '' : `, next clearing ${next}`;
  return [['certified', `${devices} of up to ${plural(capacity, 'device')}${clearing}`]];
}

/** Counters that every server has; the others are told below the table, for whoever looks for a fault. */
const SERVER_COLUMNS = ['requests', 'retransmissions', 'timeouts', 'answers'] as const;

export function serversView(
  { servers, reauthentications_waiting: waiting }: ResultOf<'servers'>,
  { paint, now }: ViewContext,
): string {
  const rows = servers.map(({ server, use, transport, state, since, round_trip_ms: rtt, counters }) => [
    paint.bold(clean(server, 60)),
    use,
    transport,
    state === 'up' ? paint.green('up') : paint.red('down'),
    duration((now - Date.parse(since)) / 1000),
    rtt === null ? '-' : `${rtt} ms`,
    ...SERVER_COLUMNS.map((name) => String(counters[name] ?? 0)),
  ]);
  const head = ['server', 'use', 'over', 'state', 'for', 'round trip', ...SERVER_COLUMNS];
  const others = servers.flatMap(({ server, use, counters }) =>
    Object.entries(counters)
      .filter(([name]) => !SERVER_COLUMNS.some((column) => column === name))
      .map(([name, value]): [string, string] => [
        `${clean(server, 60)} ${use} ${clean(name)}`,
        String(value),
      ]),
  );
  return [
    table(head, rows, paint),
    ...(others.length === 0 ? [] : [facts(others, paint)]),
    ...(waiting === 0
      ? []
      : [`${plural(waiting, 'reauthentication waits', 'reauthentications wait')} for a server`]),
  ].join('\n\n');
}

function timersOf({ counts }: ResultOf<'info'>): string {
  const { sessions, timers, session_timers: own } = counts;
  const fault =
    own === sessions ? '' : `, ${own} of them for ${plural(sessions, 'session')}: please report it`;
  return `${timers} in use${fault}`;
}

function signOnOf({ users, awaited }: NonNullable<ResultOf<'info'>['sso']>): [string, string] {
  const out = awaited === 0 ? '' : `, ${plural(awaited, 'address', 'addresses')} awaited`;
  return ['single sign-on', `${plural(users, 'user')} logged in at the concentrators${out}`];
}

function accountingOf({ accounting }: ResultOf<'info'>, paint: Colors): string {
  const { pending, oldest_s: oldest, store, store_octets: octets } = accounting;
  const queue = pending === 0 ? 'nothing pending' : `${plural(pending, 'record')} pending`;
  const age = oldest === null ? '' : `, the oldest ${duration(oldest)} old`;
  const kept = store === 'durable' ? `${Math.ceil(octets / 1024)} KiB on disk` : `store ${store}`;
  return `${queue}${age}; ${store === 'failing' || store === 'none' ? paint.red(kept) : kept}`;
}

export function explainView(
  { mac, ip, decisions }: ResultOf<'explain'>,
  { paint, now }: ViewContext,
): string {
  if (decisions.length === 0)
    return `nothing is known about ${mac ?? ip}: no frame of it has been judged since the agent started`;
  const rows = decisions.map((decision) => [
    decision.time.slice(11, 23),
    paint.dim(ago(decision.time, now)),
    decision.port ?? '',
    paint.bold(clean(decision.what, 40)),
    [
      clean(decision.detail, 160),
      ...(decision.user_name === undefined ? [] : [`user ${clean(decision.user_name, 64)}`]),
      ...(decision.reply_message === undefined
        ? []
        : [`the server says: ${clean(decision.reply_message, 160)}`]),
    ].join('; '),
  ]);
  return table(['time', 'age', 'port', 'what', 'detail'], rows, paint);
}

export function configView(result: ResultOf<'config'>, { paint }: ViewContext): string {
  const { warnings = [], restart_needed: restart = [], applied, ports = [], sessions = 0, ended } = result;
  const warned = warnings.map((fault) => `${paint.yellow('warning:')} ${describeFault(fault)}`);
  const verdict =
    applied === true
      ? `taken over: ${plural(ports.length, 'port')} and ${plural(sessions, 'session')} changed`
      : restart.length === 0
        ? `ok: it can be taken over${ended === undefined ? '' : `; ${wouldChange(ports.length, sessions, ended)}`}`
        : `ok, after a restart: that is needed to change ${restart.join(', ')}`;
  return [...warned, verdict].join('\n');
}

function wouldChange(ports: number, sessions: number, ended: number): string {
  if (ports + sessions + ended === 0) return 'no port and no session would change';
  const ending = `${plural(ended, 'session')} would end`;
  return `${plural(ports, 'port')} and ${plural(sessions, 'session')} would change, ${ending}`;
}

export function disconnectView(result: ResultOf<'disconnect'>, { paint }: ViewContext): string {
  const { disconnected, sessions, unproven, bounced, not_bounced: notBounced, dry_run: dryRun } = result;
  const { superseded, turned_back: turnedBack, others = 0 } = result;
  if (dryRun === true) {
    const beside = others > 0 ? `, and ${plural(others, 'other')} on their ports with them` : '';
    const entering =
      turnedBack > 0 ? `, and ${plural(turnedBack, 'user')} on the way in would be turned back` : '';
    return plural(sessions.length, 'session would be ended', 'sessions would be ended') + beside + entering;
  }
  const lines = [
    plural(disconnected, 'session is ended and locked out', 'sessions are ended and locked out'),
  ];
  if (unproven.length > 0)
    lines.push(paint.red(`ended, and not proven to be locked out yet: ${unproven.join(' ')}`));
  if (superseded.length > 0)
    lines.push(
      paint.yellow(
        `ended, and the lock not proven: in again, or another client has the port open: ${superseded.join(' ')}`,
      ),
    );
  if (turnedBack > 0)
    lines.push(
      plural(turnedBack, 'user was turned back on the way in', 'users were turned back on the way in'),
    );
  if (bounced.length > 0) lines.push(`down for some seconds: ${bounced.join(' ')}`);
  if (notBounced.length > 0) lines.push(paint.yellow(`not taken down: ${notBounced.join(' ')}`));
  return lines.join('\n');
}
