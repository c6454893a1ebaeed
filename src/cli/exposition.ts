// How a switch stands, in Prometheus' text format 0.0.4. Only what the agent counts or knows; names after prometheus.io/docs/practices/
// naming. No label has a user or a MAC in it: ports, servers, methods, causes and reasons are few. What each is, is in
// docs/monitoring.md.
//
// prom-client is loaded with this file, so this file only where it is needed.

import { Counter, Gauge, Registry } from 'prom-client';
import { END_CAUSES } from '../model/cause.ts';
import type { PortPayload, ServerPayload } from '../report/payloads.ts';
import type { Look } from './look.ts';

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];
type Counts = Readonly<Record<string, number>>;

interface Family {
  /** Without `rollcall_`; a counter's ends in `_total`. */
  readonly name: string;
  readonly help: string;
  /** Of none nothing is said. */
  readonly samples: readonly Sample[];
}

/** Undefined: there is no agent. */
export async function exposition(look: Look | undefined): Promise<string> {
  const registry = new Registry();
  const up = one('up', 'Whether the agent has answered.', look === undefined ? 0 : 1);
  for (const family of [up, ...(look === undefined ? [] : families(look))]) register(family, registry);
  return registry.metrics();
}

function register({ name, help, samples }: Family, registry: Registry): void {
  const [first] = samples;
  if (first === undefined) return;
  const settings = {
    name: `rollcall_${name}`,
    help,
    labelNames: Object.keys(first[0]),
    registers: [registry],
  };
  if (name.endsWith('_total')) {
    const counter = new Counter(settings);
    for (const [labels, value] of samples) counter.inc(labels, value);
  } else {
    const gauge = new Gauge(settings);
    for (const [labels, value] of samples) gauge.set(labels, value);
  }
}

function one(name: string, help: string, value: number): Family {
  return { name, help, samples: [[{}, value]] };
}

function families(look: Look): readonly Family[] {
  return [...agent(look), ...access(look), ...radius(look), ...accounting(look), ...upstream(look)];
}

function agent({ info }: Look): readonly Family[] {
  const { version, switch: id, backend } = info;
  return [
    { name: 'build_info', help: 'Which agent this is.', samples: [[{ version, switch: id, backend }, 1]] },
    one('start_time_seconds', 'When the agent was started.', Date.parse(info.started) / 1000),
    one('timers', 'Timers in use.', info.counts.timers),
    of('drops_total', 'What was refused, from the wire or of requests.', 'reason', info.counters),
    of(
      'repairs_total',
      'What of the kernel was found otherwise than wanted, and put right.',
      'kind',
      info.repairs,
    ),
  ];
}

function access({ info, ports, sessions }: Look): readonly Family[] {
  const { sso, certified_devices: certified, probes } = info;
  const ends = Object.fromEntries(Object.keys(END_CAUSES).map((cause) => [cause, 0]));
  return [
    {
      name: 'sessions',
      help: 'Sessions, by port (none for layer 3) and method.',
      samples: tally(sessions.map(({ port, method }) => ({ port: port ?? '', method }))),
    },
    {
      name: 'ports',
      help: 'Controlled ports, by their state.',
      samples: tally(ports.map((port) => ({ control: port.control, link: port.link, state: stateOf(port) }))),
    },
    {
      name: 'auth_total',
      help: 'Authentications, first and again, by how they came out.',
      samples: ports.flatMap(authOf),
    },
    { name: 'eapol_frames_total', help: 'EAPOL frames, by type.', samples: ports.flatMap(eapolOf) },
    of('logouts_total', 'Sessions that have ended, by cause.', 'cause', { ...ends, ...info.sessions_ended }),
    one('probes_sent_total', 'Probes for a sign of life.', probes.sent),
    one('probes_answered_total', 'Those that were answered in time.', probes.answered),
    ...(certified === null
      ? []
      : [one('certified_devices', 'Devices on the list of certified ones.', certified.devices)]),
    ...(sso === undefined ? [] : [one('sso_users', 'Users logged in at the concentrators.', sso.users)]),
  ];
}

function stateOf({ locked, opened }: PortPayload): string {
  if (locked) return 'locked';
  return opened ? 'opened' : 'open';
}

/** Method and result, by the name of the port's counter. */
const AUTH_COUNTERS = {
  'auth-successes-while-authenticating': ['dot1x', 'accepted'],
  'auth-fail-while-authenticating': ['dot1x', 'rejected'],
  'auth-timeouts-while-authenticating': ['dot1x', 'timeout'],
  'auth-server-timeouts': ['dot1x', 'no-server'],
  'mab-accepted': ['mab', 'accepted'],
  'mab-rejected': ['mab', 'rejected'],
  'mab-no-server': ['mab', 'no-server'],
} as const;

function authOf({ port, mab, counters }: PortPayload): readonly Sample[] {
  return Object.entries(AUTH_COUNTERS)
    .filter(([name, [method]]) => method === 'dot1x' || mab || name in counters)
    .map(([name, [method, result]]) => [{ port, method, result }, counters[name] ?? 0]);
}

const EAPOL_COUNTERS = {
  'eapol-start-frames-rx': ['rx', 'start'],
  'eapol-logoff-frames-rx': ['rx', 'logoff'],
  'eapol-eap-frames-rx': ['rx', 'eap'],
  'eapol-auth-eap-frames-tx': ['tx', 'eap'],
} as const;

function eapolOf({ port, counters }: PortPayload): readonly Sample[] {
  return Object.entries(EAPOL_COUNTERS).map(([name, [direction, type]]) => [
    { port, direction, type },
    counters[name] ?? 0,
  ]);
}

function radius({ servers, reauthentications_waiting: waiting }: Look): readonly Family[] {
  const each = (name: string, help: string, value: (server: ServerPayload) => number | null): Family => ({
    name: `radius_${name}`,
    help,
    samples: servers.flatMap((server) => {
      const figure = value(server);
      return figure === null ? [] : [[whichOf(server), figure] as const];
    }),
  });
  const counter = (name: string, help: string): Family =>
    each(`${name}_total`, help, ({ counters }) => counters[name] ?? 0);
  return [
    each('server_up', 'Whether the server is taken to answer.', ({ state }) => (state === 'up' ? 1 : 0)),
    each('requests_in_flight', 'Requests that wait for an answer.', ({ in_flight: count }) => count),
    each('round_trip_seconds', 'Smoothed.', ({ round_trip_ms: ms }) => (ms === null ? null : ms / 1000)),
    counter('requests', 'Requests, each counted once.'),
    counter('retransmissions', 'Requests that were sent again.'),
    counter('timeouts', 'Sendings that were not answered in time.'),
    counter('answers', 'Answers to what was still waited for.'),
    {
      name: 'radius_access_answers_total',
      help: 'Answers to Access-Requests, late ones too, by what they say.',
      samples: servers.filter(({ use }) => use === 'authentication').flatMap(accessAnswersOf),
    },
    prefixed('dropped_total', 'Replies that were not taken, by reason.', 'dropped_', servers),
    one('reauthentications_waiting', 'Sessions that are due to authenticate again, and wait.', waiting),
    prefixed(
      'connection_failures_total',
      'RadSec connections that failed, by reason.',
      'connection_',
      servers,
    ),
  ];
}

function whichOf({ server, use }: ServerPayload): Labels {
  return { server, use };
}

function accessAnswersOf(server: ServerPayload): readonly Sample[] {
  return ['accept', 'reject', 'challenge'].map((result) => [
    { ...whichOf(server), result },
    server.counters[`access_${result}s`] ?? 0,
  ]);
}

/** Of the counters whose names begin so; the rest of the name is the reason. */
function prefixed(name: string, help: string, prefix: string, servers: readonly ServerPayload[]): Family {
  const samples = servers.flatMap((server) =>
    Object.entries(server.counters)
      .filter(([counter]) => counter.startsWith(prefix))
      .map(
        ([counter, value]): Sample => [
          { ...whichOf(server), reason: counter.slice(prefix.length).replaceAll('_', '-') },
          value,
        ],
      ),
  );
  return { name: `radius_${name}`, help, samples };
}

function accounting({ info }: Look): readonly Family[] {
  const { pending, oldest_s: oldest, store, store_octets: octets, counters } = info.accounting;
  return [
    one('accounting_queue_length', 'Records that no server has acknowledged yet.', pending),
    one('accounting_oldest_age_seconds', 'Age of the oldest of them; 0 = none.', oldest ?? 0),
    one(
      'accounting_store_durable',
      'Whether records are on disk before they are sent.',
      store === 'durable' ? 1 : 0,
    ),
    one('accounting_store_bytes', 'Size of the store on disk.', octets),
    of('accounting_records_total', 'Records, by what became of them.', 'event', counters),
  ];
}

function upstream({ info }: Look): readonly Family[] {
  const { events, mqtt } = info;
  return [
    one('broker_connected', 'Whether the broker can be reached.', mqtt.connected ? 1 : 0),
    one('events_waiting', 'Events that the broker has not acknowledged yet.', events.waiting),
    one('events_dropped_total', 'Events that had to make room for newer ones.', events.dropped),
  ];
}

/** A counter for each of these names. */
function of(name: string, help: string, label: string, counts: Counts): Family {
  return { name, help, samples: Object.entries(counts).map(([key, value]) => [{ [label]: key }, value]) };
}

/** How often each of them is there. */
function tally(all: readonly Labels[]): readonly Sample[] {
  const counts = new Map<string, [Labels, number]>();
  for (const labels of all) {
    const key = JSON.stringify(labels);
    const sample = counts.get(key) ?? [labels, 0];
    sample[1]++;
    counts.set(key, sample);
  }
  return [...counts.values()];
}
