// Events: what happened, numbered without gaps from the agent's start. `seq`, `boot_id` and `time` are set by events.ts.

import { type TSchema, Type } from 'typebox';
import { AUTH_METHODS } from '../model/authorization.ts';
import { AcctTerminateCause, END_CAUSES, type EndCause } from '../model/cause.ts';
import { KNOWN_IPV6_MAX, SEEN_BY } from '../model/session.ts';
import { SERVER_USES, SessionSchema, SessionVlan, STATION, TrafficSchema } from './payloads.ts';
import {
  closed,
  count,
  MacText,
  object,
  oneOf,
  type Payload,
  PortName,
  SessionKeyText,
  seconds,
  time,
  Vlan,
  word,
} from './types.ts';
import { WARNING_CODES } from './warnings.ts';

export const END_CAUSE_NAMES = Object.keys(END_CAUSES) as EndCause[];

const Place = object('A place on this switch.', { port: PortName, vlan: Vlan });

const DYNAMIC_ACTIONS = [
  'disconnect',
  'change',
  'reauthenticate',
  'bounce',
  'disable',
  'authorize-only',
] as const;

/** A switch asks thousands of clients a second: an event each would be most of its work. */
export const PROBES_PER_EVENT = 256;

/** A list of thousands is not one packet. */
export const CLEARED_PER_EVENT = 256;

const ProbeSchema = object('One probe.', {
  key: SessionKeyText,
  ...STATION,
  session_id: word('Acct-Session-Id.'),
  probe: oneOf('How it is asked.', ['arp', 'nd', 'eap']),
  target: Type.Union([Type.String(), Type.Null()], {
    description: 'Address that is asked for; null for eap.',
  }),
  other_targets: Type.Optional(
    Type.Array(Type.String(), {
      description:
        'Other IPv6 addresses of the client that are asked for at the same time, since it has not answered; left out: none.',
      minItems: 1,
      maxItems: KNOWN_IPV6_MAX - 1,
    }),
  ),
  silent_periods: count(
    'Silent periods in a row so far; 0 = asked for another reason: a command, a sighting elsewhere, a timer.',
  ),
  times: count('N: at so many the session ends.'),
});
export type ProbePayload = Payload<typeof ProbeSchema>;

/** What each event says beside the envelope, by event type. */
export const EVENT_BODIES = {
  'session-start': object('A user is in.', { session: SessionSchema }),
  'session-end': object(
    'A user is out. The end record: RADIUS has the same session_id in its Accounting-Stop.',
    {
      key: SessionKeyText,
      ...STATION,
      vlan: SessionVlan,
      user_name: word('User-Name as RADIUS has it. Hostile text.'),
      role: word('Role that was in force.'),
      method: oneOf('How the user was authenticated.', AUTH_METHODS),
      session_id: word('Acct-Session-Id.'),
      multi_session_id: word('Acct-Multi-Session-Id.'),
      started: time('Login.'),
      session_time_s: seconds('Acct-Session-Time.'),
      cause: oneOf('Why, in our words.', END_CAUSE_NAMES),
      acct_terminate_cause: Type.Integer({
        description: 'Acct-Terminate-Cause (RFC 2866 5.10, RFC 3580 2.1).',
        minimum: 1,
      }),
      acct_terminate_cause_name: Type.Optional(oneOf('Its name.', Object.keys(AcctTerminateCause))),
      decided: time('When the end was decided.'),
      evidence: object('What the decision rests on.', {
        last_seen: time('Last evidence of the client.'),
        last_seen_by: oneOf('What it was.', SEEN_BY),
        probes_sent: count('Probes sent during the session.'),
        probes_answered: count('Probes answered during the session.'),
      }),
      relock: object('Proof that the access is gone.', {
        revoked_at: Type.Union([time('When the entry was deleted.'), Type.Null()], {
          description: 'When the entry was deleted; null = not yet.',
        }),
        verified: Type.Boolean({
          description:
            'The entry was looked up and was absent. false = alarm: it is being retried; with 0 tries there was nothing to ' +
            'prove: the client went on in another session, or (nas-reboot) the start removes what an earlier run left.',
        }),
        tries: count('Deletions that it took.'),
      }),
      counters: Type.Optional(TrafficSchema),
    },
  ),
  'session-move': object('A MAC was authenticated at another place of this switch.', {
    key: SessionKeyText,
    mac: MacText,
    from: Place,
    to: Place,
    old_session_id: word('Session that ended.'),
    new_session_id: word('Session that began.'),
  }),
  'auth-failed': object('Somebody was not let in.', {
    mac: MacText,
    port: PortName,
    method: oneOf('How it was tried.', AUTH_METHODS),
    user_name: Type.Union([Type.String(), Type.Null()], {
      description: 'Identity, if one was given. Hostile text.',
    }),
    reason: word('A fixed word: access-reject, server-timeout, supplicant-timeout, ...'),
    detail: Type.Optional(
      word('A sentence for people, where a server accepted and we did not. May quote hostile text.'),
    ),
    server: Type.Optional(word('RADIUS server, address:port.')),
    reply_message: Type.Optional(word('Reply-Message of the server. Hostile text.')),
  }),
  'handshake-probe': object('Silent clients are asked. One event for all that are asked at one moment.', {
    probes: Type.Array(ProbeSchema, { minItems: 1, maxItems: PROBES_PER_EVENT }),
  }),
  guard: object('The mass-loss guard: many sessions fell silent at once, so nobody is cut yet.', {
    state: oneOf('raised: nobody is cut for now; cut: the silent are cut; cleared: it is over.', [
      'raised',
      'cut',
      'cleared',
    ]),
    scope: word('switch: its sessions are judged together.'),
    reason: oneOf('What raised it: many fell silent at once, or the agent itself stood still.', [
      'mass-silence',
      'agent-stalled',
    ]),
    silent: count('Sessions that are silent.'),
    sessions: count('Sessions there are.'),
  }),
  'radius-server': object('A RADIUS server stopped or started answering.', {
    server: word('address:port.'),
    use: oneOf('What it serves there.', SERVER_USES),
    state: oneOf('As judged now.', ['up', 'down']),
    because: word('What made it so, a sentence for people.'),
  }),
  'dynamic-authorization': object(
    'A RADIUS server asked something of running sessions (RFC 5176), and was answered.',
    {
      client: word('Address of the server that asked.'),
      request: oneOf('Disconnect-Request or CoA-Request.', ['disconnect', 'coa']),
      action: Type.Union([oneOf('What it asked.', DYNAMIC_ACTIONS), Type.Null()], {
        description: 'What it asked; null = it was refused before that was looked at.',
      }),
      answer: oneOf('ACK or NAK.', ['ack', 'nak']),
      error_cause: Type.Union([Type.Integer(), Type.Null()], {
        description: 'Error-Cause of a NAK (RFC 5176 section 3.5); null with an ACK.',
      }),
      sessions: Type.Array(SessionKeyText, { description: 'Keys of the sessions that it named.' }),
      detail: Type.Optional(word('Why not. May quote hostile text.')),
    },
  ),
  'port-link': object('A port changed.', {
    port: PortName,
    link: oneOf('Carrier.', ['up', 'down']),
    admin: oneOf('Administrative state.', ['up', 'down']),
    present: Type.Boolean({ description: 'false = the port was removed.' }),
  }),
  'certified-cleared': object(
    'Devices were cleared from the list of certified devices, and their users logged off. More than fit into one event follow in another.',
    {
      by: oneOf('Who did it.', ['command', 'timer']),
      detail: word('Which devices were meant, a sentence for people. May quote hostile text.'),
      devices: Type.Array(
        object('One device.', {
          mac: MacText,
          user_name: word('User-Name as RADIUS had it. Hostile text.'),
          port: PortName,
          logged_off: Type.Boolean({ description: 'It had a session, which is being ended.' }),
        }),
        { minItems: 1, maxItems: CLEARED_PER_EVENT },
      ),
    },
  ),
  warning: object('Something an operator must know.', {
    code: oneOf('What it is about: docs/warnings.md.', WARNING_CODES),
    message: word('A sentence for people.'),
    port: Type.Optional(PortName),
    mac: Type.Optional(MacText),
    ip: Type.Optional(word('Address behind the switch, of a session of layer 3.')),
  }),
} as const;

export type EventType = keyof typeof EVENT_BODIES;
export const EVENT_TYPES = Object.keys(EVENT_BODIES) as EventType[];

export type EventBody<T extends EventType = EventType> = Payload<(typeof EVENT_BODIES)[T]>;

/** Type and body, as the agent records it. */
export type ReportableEvent = {
  [T in EventType]: { readonly type: T; readonly body: EventBody<T> };
}[EventType];

const ENVELOPE = {
  seq: Type.Integer({
    description:
      'From 1, without gaps within a boot_id. An event may come twice (QoS 1): with the same boot_id and seq.',
    minimum: 1,
  }),
  boot_id: word(
    'Differs after every start of the agent. What an earlier run could not tell comes first, with its own.',
  ),
  time: time('When it happened.'),
  type: Type.Enum([...EVENT_TYPES], { description: 'Same as the last topic level.' }),
  dropped: Type.Optional(
    Type.Integer({
      description: 'So many events just before this one were lost while the broker was away.',
      minimum: 1,
    }),
  ),
};

/** The payload of `event/<type>`: envelope and body in one object. */
export function eventSchema(type: EventType): TSchema {
  const { properties, ...annotations } = EVENT_BODIES[type];
  const { description } = annotations as { readonly description?: string };
  return Type.Object(
    { ...ENVELOPE, type: Type.Literal(type), ...properties },
    { ...closed, description: description ?? '' },
  );
}

export interface EventEnvelope {
  readonly seq: number;
  readonly boot_id: string;
  readonly time: string;
  readonly dropped?: number;
}

export type EventPayload = {
  [T in EventType]: EventEnvelope & { readonly type: T } & EventBody<T>;
}[EventType];
