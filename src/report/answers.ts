// What each verb answers: `{id?, ok: true, result}` or `{id?, ok: false, error}`. The agent builds these, the CLI reads them.

import { type Static, type TSchema, Type } from 'typebox';
import { PORT_CONTROLS } from '../model/port.ts';
import { ErrorSchema, RequestId, type Verb } from './command-schemas.ts';
import type { CommandError, RequestIdentity } from './commands.ts';
import { EVENT_TYPES, type EventPayload } from './event-payloads.ts';
import { DecisionSchema, InfoSchema, PortSchema, SessionSchema } from './payloads.ts';
import { count, MacText, object, oneOf, type Payload, PortName, SessionKeyText, word } from './types.ts';

const Fault = object('What is wrong with a configuration.', {
  path: word('The key.'),
  line: Type.Optional(Type.Integer({ minimum: 1 })),
  message: word('A sentence.'),
});

export const RESULTS = {
  sessions: object('Sessions.', { sessions: Type.Array(SessionSchema) }),
  ports: object('Ports.', { ports: Type.Array(PortSchema) }),
  session: object('The session.', { session: SessionSchema }),
  info: InfoSchema,
  disconnect: object('Sessions whose end has begun.', {
    disconnected: count('How many.'),
    sessions: Type.Array(SessionKeyText, { description: 'Their keys.' }),
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
    text: Type.Optional(word('The text in force, without secrets.')),
    faults: Type.Optional(Type.Array(Fault)),
    warnings: Type.Optional(Type.Array(Fault)),
    applied: Type.Optional(Type.Boolean({ description: 'The configuration is in force.' })),
    restart_needed: Type.Optional(
      Type.Array(Type.String(), { description: 'Keys that a restart takes over.' }),
    ),
  }),
  drain: object('Everybody is being logged out.', { draining: count('Sessions.') }),
  explain: object('The last decisions about a MAC, oldest first.', {
    mac: MacText,
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
  | { readonly id?: RequestIdentity; readonly ok: false; readonly error: Static<typeof ErrorSchema> };

/** The payload of `response/<verb>`. */
export function answerSchema(verb: Verb): TSchema {
  return Type.Union([
    object('Done.', { id: Type.Optional(RequestId), ok: Type.Literal(true), result: RESULTS[verb] }),
    object('Refused; nothing was changed.', {
      id: Type.Optional(RequestId),
      ok: Type.Literal(false),
      error: ErrorSchema,
    }),
  ]);
}

export function success<V extends Verb>(id: RequestIdentity | undefined, result: ResultOf<V>): Answer<V> {
  return id === undefined ? { ok: true, result } : { id, ok: true, result };
}

export function refusal({ id, code, message, path }: CommandError): Answer<never> & { readonly ok: false } {
  const error = { code, message, path };
  return id === undefined ? { ok: false, error } : { id, ok: false, error };
}
