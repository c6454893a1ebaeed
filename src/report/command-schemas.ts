// Requests, as they are written in JSON: `command/<verb>` over MQTT, one line on the control socket, the same keys on both.

import { type TSchema, Type } from 'typebox';
import { PORT_CONTROLS } from '../model/port.ts';
import { HANDSHAKE_TIMES_MAX, PROBE_WAYS } from '../model/probe.ts';
import { closed, oneOf, PortName, word } from './types.ts';

/** As JSON in UTF-8. */
export const MAX_COMMAND_OCTETS = 65_536;
/** Of a configuration in a command; as JSON each quote and line end counts twice. */
export const MAX_CONFIG_CHARACTERS = 60_000;

/** Chosen by who asks, repeated in the answer. */
export const RequestId = Type.Union([Type.String({ maxLength: 128 }), Type.Integer()], {
  description: 'Repeated in the answer.',
});

const Id = { id: Type.Optional(RequestId) };
const Text = (description: string) => Type.String({ description, minLength: 1, maxLength: 255 });

/** At least one of these is given; commands.ts checks that, and parses addresses in any spelling. */
const SELECTOR = {
  mac: Type.Optional(Text('MAC address in any spelling.')),
  ip: Type.Optional(Text('IPv4 or IPv6 address.')),
  session_id: Type.Optional(Text('Acct-Session-Id.')),
  user: Type.Optional(Text('User-Name.')),
};
const MANY = {
  port: Type.Optional(PortName),
  role: Type.Optional(Text('Role in force.')),
  all: Type.Optional(Type.Literal(true, { description: 'Every session; no other key beside it.' })),
};

const seconds = (description: string) => Type.Number({ description, minimum: 0, maximum: 31_622_400 });

function request<P extends Record<string, TSchema>>(description: string, properties: P) {
  return Type.Object({ ...Id, ...properties }, { ...closed, description });
}

export const REQUESTS = {
  sessions: request('All sessions, or those of a port, role or user.', {
    port: Type.Optional(PortName),
    role: Type.Optional(Text('Role.')),
    user: Type.Optional(Text('User-Name.')),
    counters: Type.Optional(
      Type.Literal(true, {
        description: 'With what each has sent and received, for which the ports are read: `counters`.',
      }),
    ),
  }),
  ports: request('All ports, or one.', { port: Type.Optional(PortName) }),
  session: request('One session, whom all keys fit.', SELECTOR),
  info: request('The agent itself.', {}),
  servers: request('The RADIUS servers, and how they answer.', {}),
  disconnect: request(
    'Ends the sessions whom all keys fit, with cause admin-reset; answered when they are proven locked out, or after 8 s.',
    {
      ...SELECTOR,
      ...MANY,
      bounce: Type.Optional(
        Type.Boolean({
          description:
            'Their ports go down for some seconds (radius.dynamic_authorization.bounce_s), as for a CoA-Request; others on them are out, too (port-reinit).',
        }),
      ),
      dry_run: Type.Optional(Type.Boolean({ description: 'End nobody: say at once who would be ended.' })),
    },
  ),
  reauthenticate: request(
    'Lets sessions authenticate again, without interruption, and asks at once about MACs that wait for MAB or were refused; those whom all keys fit.',
    { ...SELECTOR, ...MANY },
  ),
  probe: request('Probes now those whom all keys fit.', { ...SELECTOR, ...MANY }),
  port: request("Sets a port's control, until a restart or a configuration that changes it.", {
    port: PortName,
    control: oneOf('IEEE 802.1X portControl.', PORT_CONTROLS),
  }),
  timers: request(
    'Sets timers of a role or a port, until a restart or a configuration that changes them; exactly one of role and port.',
    {
      role: Type.Optional(Text('Role.')),
      port: Type.Optional(PortName),
      period_s: Type.Optional(seconds('T; 0 = off, else 1 and more.')),
      times: Type.Optional(Type.Integer({ description: 'N.', minimum: 1, maximum: HANDSHAKE_TIMES_MAX })),
      keep: Type.Optional(Type.Boolean({ description: 'Never end a session for silence.' })),
      wake: Type.Optional(
        Type.Boolean({ description: 'For clients that sleep: probe at the middle of a silent period too.' }),
      ),
      probe: Type.Optional(oneOf('How clients are asked.', PROBE_WAYS)),
      session_s: Type.Optional(seconds('Session timer; 0 = none. Roles only.')),
      heartbeat_s: Type.Optional(
        Type.Union([seconds('Heartbeat timer.'), Type.Null()], {
          description: 'Heartbeat timer; null = not set. Roles only.',
        }),
      ),
    },
  ),
  config: request(
    'Exactly one of get, check and apply. As JSON it has at most 65,536 octets, as every request.',
    {
      get: Type.Optional(
        Type.Literal(true, { description: 'The text in force, without secrets and comments.' }),
      ),
      check: Type.Optional(
        Type.String({
          description:
            'A configuration to check. Of secret files it can name those that the one in force names.',
          maxLength: MAX_CONFIG_CHARACTERS,
        }),
      ),
      apply: Type.Optional(
        Type.String({
          description: 'A configuration to check, likewise, and take over, until the next restart or reload.',
          maxLength: MAX_CONFIG_CHARACTERS,
        }),
      ),
    },
  ),
  certified: request(
    'The list of certified devices: exactly one of list and clear. Clearing logs the users of the devices off.',
    {
      list: Type.Optional(
        Type.Literal(true, {
          description: 'Shows it, or a part: what fits mac, user, port and role, as given.',
        }),
      ),
      clear: Type.Optional(
        Type.Literal(true, { description: 'Clears what fits mac, user, port and role, as given, or all.' }),
      ),
      mac: Type.Optional(Text('MAC address in any spelling.')),
      port: Type.Optional(PortName),
      role: Type.Optional(Text('Role.')),
      user: Type.Optional(Text('User-Name.')),
      all: Type.Optional(Type.Literal(true, { description: 'clear: every device.' })),
      dry_run: Type.Optional(Type.Boolean({ description: 'clear: only say how many there would be.' })),
      limit: Type.Optional(
        Type.Integer({
          description: 'list: at most so many devices; 500 if not given.',
          minimum: 1,
          maximum: 1000,
        }),
      ),
      after: Type.Optional(Text('list: go on behind this MAC, the `next` of the answer before.')),
    },
  ),
  drain: request('Logs everybody out with cause drain and stops.', {}),
  explain: request('The last decisions about a client, by exactly one key: why somebody is not in.', {
    mac: Type.Optional(Text('MAC address in any spelling.')),
    ip: Type.Optional(Text('IPv4 or IPv6 address behind the switch.')),
  }),
  events: request('The newest events, oldest first.', {
    limit: Type.Optional(
      Type.Integer({ description: 'At most so many; 100 if not given.', minimum: 1, maximum: 1000 }),
    ),
  }),
} as const;

export type Verb = keyof typeof REQUESTS;
export const VERBS = Object.keys(REQUESTS) as Verb[];

/** Verbs with requests that change nothing: they are taken on `query/<verb>`, too. */
export const QUERY_VERBS = [
  'sessions',
  'ports',
  'session',
  'info',
  'servers',
  'explain',
  'events',
  'config',
  'certified',
  'disconnect',
] as const satisfies readonly Verb[];

export function isVerb(text: string): text is Verb {
  return Object.hasOwn(REQUESTS, text);
}

/** What a failed command says; `code` is for programs. */
export const ERROR_CODES = [
  'bad-json',
  'too-large',
  'unknown-verb',
  'unknown-key',
  'bad-value',
  'not-found',
  'forbidden',
  'refused',
  'failed',
  'busy',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

const ERROR = {
  code: oneOf('For programs.', ERROR_CODES),
  message: word('For people.'),
  path: Type.String({ description: 'The key that is wrong; empty for the request as a whole.' }),
};

export const ErrorSchema = Type.Object(ERROR, closed);

/** One thing that is wrong with a configuration, or, as a warning, probably not meant. */
export const FaultSchema = Type.Object(
  {
    path: word('The key.'),
    line: Type.Optional(Type.Integer({ minimum: 1 })),
    message: word('A sentence.'),
  },
  closed,
);

/** Of `config`. */
export const ConfigErrorSchema = Type.Object(
  {
    ...ERROR,
    faults: Type.Optional(
      Type.Array(FaultSchema, { description: 'Everything that is wrong with the text.' }),
    ),
  },
  closed,
);
