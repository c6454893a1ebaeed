// What each verb answers: `{id?, ok: true, result}` or `{id?, ok: false, error}`. The agent builds these, the CLI reads them.

import { type TSchema, Type } from 'typebox';
import { PORT_CONTROLS } from '../model/port.ts';
import { ConfigErrorSchema, ErrorSchema, FaultSchema, RequestId, type Verb } from './command-schemas.ts';
import type { CommandError, RequestIdentity } from './commands.ts';
import { EVENT_TYPES, type EventPayload } from './event-payloads.ts';
import {
  CertifiedDeviceSchema,
  DecisionSchema,
  InfoSchema,
  PortSchema,
  ServerSchema,
  SessionSchema,
} from './payloads.ts';
import { count, MacText, object, oneOf, type Payload, PortName, SessionKeyText, word } from './types.ts';

export const RESULTS = {
  sessions: object('Sessions.', { sessions: Type.Array(SessionSchema) }),
  ports: object('Ports.', { ports: Type.Array(PortSchema) }),
  session: object('The session.', { session: SessionSchema }),
  info: InfoSchema,
  servers: object('The RADIUS servers, in order of preference: for authentication, then for accounting.', {
    servers: Type.Array(ServerSchema),
    reauthentications_waiting: count(
      'Sessions that are due to authenticate again, and wait for a server or for their turn.',
    ),
  }),
  disconnect: object('Sessions that were ended.', {
    disconnected: count('How many are proven locked out; 0 in a dry run.'),
    sessions: Type.Array(SessionKeyText, {
      description: 'Their keys; in a dry run those of the sessions that would be ended.',
    }),
    unproven: Type.Array(SessionKeyText, {
      description:
        'Keys of those that have ended, and whose lock could not be proven in time: the removal is tried on, and alarmed.',
    }),
    superseded: Type.Array(SessionKeyText, {
      description:
        'Keys of those that have ended, and whose lock was not proven: the same client has a new session by the entry, or another one has the port open (multi-host).',
    }),
    turned_back: count(
      'Users without a session, who have been on their way to one: they get none. In a dry run those who would be.',
    ),
    bounced: Type.Array(PortName, { description: 'Ports that are down, and come up by themselves.' }),
    not_bounced: Type.Array(PortName, {
      description: 'Ports that were to be, and could not be taken down or were down already.',
    }),
    dry_run: Type.Optional(Type.Literal(true, { description: 'Nobody was ended.' })),
    others: Type.Optional(count('In a dry run: sessions beside them on ports that are to be bounced.')),
  }),
  reauthenticate: object('Sessions that authenticate again.', {
    reauthenticating: count('How many.'),
    sessions: Type.Array(SessionKeyText, { description: 'Their keys.' }),
  }),
  probe: object('Sessions that were probed.', {
    probed: count('How many.'),
    sessions: Type.Array(SessionKeyText, { description: 'Their keys.' }),
  }),
  port: object('The port as it is now wanted.', {
    port: PortName,
    control: oneOf('IEEE 802.1X portControl.', PORT_CONTROLS),
  }),
  timers: object('Sessions that the new timers hold for.', { sessions: count('How many.') }),
  config: object('Depends on what was asked.', {
    text: Type.Optional(word('get: the text in force, without its secrets and comments.')),
    warnings: Type.Optional(Type.Array(FaultSchema, { description: 'Right, but probably not meant.' })),
    restart_needed: Type.Optional(
      Type.Array(Type.String(), { description: 'check: keys for which apply would be refused.' }),
    ),
    applied: Type.Optional(
      Type.Literal(true, { description: 'It is in force, until the next restart or reload.' }),
    ),
    ports: Type.Optional(
      Type.Array(PortName, {
        description: 'Ports for which it means something else; check: would mean, where it takes no restart.',
      }),
    ),
    sessions: Type.Optional(count('Sessions whose role, timers or VLANs are others now, or would be.')),
    ended: Type.Optional(count('check: sessions that would end by it.')),
  }),
  certified: object('Depends on what was asked.', {
    devices: Type.Optional(
      Type.Array(CertifiedDeviceSchema, { description: 'list: by MAC, at most as many as was asked.' }),
    ),
    total: Type.Optional(count('list: devices that fit, over all pages.')),
    next: Type.Optional(
      Type.Union([MacText, Type.Null()], {
        description: 'list: there are more behind this MAC: ask again with `after`; null = there are not.',
      }),
    ),
    cleared: Type.Optional(count('clear: devices that are off the list; with dry_run, that would be.')),
    logged_off: Type.Optional(count('clear: users of these whose session is being ended, or would be.')),
    dry_run: Type.Optional(Type.Literal(true, { description: 'clear: nothing was done.' })),
  }),
  drain: object('Everybody is being logged out.', { draining: count('Sessions.') }),
  explain: object('The last decisions about a client, oldest first.', {
    mac: Type.Optional(MacText),
    ip: Type.Optional(Type.String({ description: 'Address behind the switch.' })),
    decisions: Type.Array(DecisionSchema),
  }),
  events: object('Events, oldest first.', {
    events: Type.Array(
      Type.Object(
        { seq: Type.Integer(), type: Type.Enum([...EVENT_TYPES]) },
        { description: 'As on event/<type>.' },
      ),
    ),
  }),
} as const satisfies Record<Verb, TSchema>;

/** The result of a verb. */
export type ResultOf<V extends Verb> = V extends 'events'
  ? { readonly events: readonly EventPayload[] }
  : Payload<(typeof RESULTS)[V]>;

export type Answer<V extends Verb = Verb> =
  | { readonly id?: RequestIdentity; readonly ok: true; readonly result: ResultOf<V> }
  | { readonly id?: RequestIdentity; readonly ok: false; readonly error: Payload<typeof ConfigErrorSchema> };

/** The payload of `response/<verb>`. */
export function answerSchema(verb: Verb): TSchema {
  return Type.Union([
    object('Done.', { id: Type.Optional(RequestId), ok: Type.Literal(true), result: RESULTS[verb] }),
    object('Refused; nothing was changed.', {
      id: Type.Optional(RequestId),
      ok: Type.Literal(false),
      error: verb === 'config' ? ConfigErrorSchema : ErrorSchema,
    }),
  ]);
}

export function success<V extends Verb>(id: RequestIdentity | undefined, result: ResultOf<V>): Answer<V> {
  return id === undefined ? { ok: true, result } : { id, ok: true, result };
}

export function refusal({ id, ...error }: CommandError): Answer<never> & { readonly ok: false } {
  return id === undefined ? { ok: false, error } : { id, ok: false, error };
}
