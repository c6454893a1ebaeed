// The AsyncAPI 3 document of everything on MQTT, built from the schemas that the agent's types come from.
// docs/asyncapi.yaml is this, written out; a test fails when the file is stale.

import type { TSchema } from 'typebox';
import { answerSchema } from './answers.ts';
import { QUERY_VERBS, REQUESTS, VERBS, type Verb } from './command-schemas.ts';
import { EVENT_TYPES, eventSchema } from './event-payloads.ts';
import { AvailabilitySchema, InfoSchema, PortSchema, SessionSchema } from './payloads.ts';
import { TOPIC_ROOT } from './topics.ts';

interface Described {
  readonly description?: string;
}

const SWITCH = {
  switch: { description: 'Id of the switch: letters, digits, dots, underscores and hyphens.' },
};

/** Plain JSON; `version` is that of the program. */
export function asyncApiDocument(version: string): object {
  const document = {
    asyncapi: '3.0.0',
    info: {
      title: 'Rollcall',
      version,
      description: [
        'Who is on which port of a switch, and that they are gone when they are gone.',
        'JSON, snake_case, units in names, times RFC 3339 UTC with milliseconds, QoS 1.',
        'MQTT 5 to an external broker; the embedded broker speaks MQTT 3.1.1, has no Response Topic and no will delay.',
      ].join('\n'),
    },
    defaultContentType: 'application/json',
    channels: { ...stateChannels(), ...eventChannels(), ...commandChannels() },
    operations: { ...stateOperations(), ...eventOperations(), ...commandOperations() },
    components: { messages: messages() },
  };
  return JSON.parse(JSON.stringify(document));
}

const STATES = {
  availability: {
    schema: AvailabilitySchema,
    address: 'availability',
    parameters: {},
    note: 'Also the last will, with a will delay.',
  },
  info: { schema: InfoSchema, address: 'info', parameters: {}, note: '' },
  port: {
    schema: PortSchema,
    address: 'port/{port}',
    parameters: { port: { description: 'Interface name; / + # % $ and controls are percent-encoded.' } },
    note: 'Cleared when the port is removed.',
  },
  session: {
    schema: SessionSchema,
    address: 'session/{key}',
    parameters: { key: { description: 'MAC as aa-bb-cc-dd-ee-ff, or ip-<address>.' } },
    note: 'Cleared (empty payload) when the session ends.',
  },
} as const;

type State = keyof typeof STATES;
const STATE_NAMES = Object.keys(STATES) as State[];

function channel(address: string, message: string, rest: object = {}) {
  return {
    address: `${TOPIC_ROOT}/{switch}/${address}`,
    messages: { [message]: { $ref: `#/components/messages/${message}` } },
    ...rest,
  };
}

function stateChannels() {
  return byName(STATE_NAMES, (name) => {
    const { address, parameters, note } = STATES[name];
    const description = `Retained. ${note}`.trim();
    return [name, channel(address, name, { description, parameters: { ...SWITCH, ...parameters } })];
  });
}

function stateOperations() {
  return byName(STATE_NAMES, (name) => [
    `publish-${name}`,
    operation('send', name, { qos: 1, retain: true }),
  ]);
}

function eventChannels() {
  return byName(EVENT_TYPES, (type) => [
    `event-${type}`,
    channel(`event/${type}`, `event-${type}`, { parameters: SWITCH }),
  ]);
}

function eventOperations() {
  return byName(EVENT_TYPES, (type) => [
    `publish-event-${type}`,
    operation('send', `event-${type}`, { qos: 1, retain: false }),
  ]);
}

function commandChannels() {
  return {
    ...byName(VERBS, (verb) => [
      `command-${verb}`,
      channel(`command/${verb}`, `command-${verb}`, {
        description: 'Never retained: a retained command is ignored.',
        parameters: SWITCH,
      }),
    ]),
    ...byName(QUERY_VERBS, (verb) => [
      `query-${verb}`,
      channel(`query/${verb}`, `query-${verb}`, {
        description: `The same as command/${verb}, for requests that change nothing: others are refused (forbidden).`,
        parameters: SWITCH,
      }),
    ]),
    ...byName(VERBS, (verb) => [
      `response-${verb}`,
      channel(`response/${verb}`, `response-${verb}`, {
        description: 'Where a request without a Response Topic is answered.',
        parameters: SWITCH,
      }),
    ]),
  };
}

function commandOperations() {
  return {
    ...byName(VERBS, (verb) => [verb, commandOperation('command', verb)]),
    ...byName(QUERY_VERBS, (verb) => [`query-${verb}`, commandOperation('query', verb)]),
  };
}

function commandOperation(way: 'command' | 'query', verb: Verb) {
  return {
    ...operation('receive', `${way}-${verb}`, { qos: 1, retain: false }),
    reply: {
      channel: { $ref: `#/channels/response-${verb}` },
      messages: [{ $ref: `#/channels/response-${verb}/messages/response-${verb}` }],
    },
  };
}

function operation(action: 'send' | 'receive', name: string, mqtt: { qos: number; retain: boolean }) {
  return {
    action,
    channel: { $ref: `#/channels/${name}` },
    messages: [{ $ref: `#/channels/${name}/messages/${name}` }],
    bindings: { mqtt: { ...mqtt, bindingVersion: '0.2.0' } },
  };
}

function messages() {
  return {
    ...byName(STATE_NAMES, (name) => [name, message(STATES[name].schema)]),
    ...byName(EVENT_TYPES, (type) => [`event-${type}`, message(eventSchema(type))]),
    ...byName(VERBS, (verb) => [`command-${verb}`, message(REQUESTS[verb], CORRELATED)]),
    ...byName(QUERY_VERBS, (verb) => [`query-${verb}`, message(REQUESTS[verb], CORRELATED)]),
    ...byName(VERBS, (verb) => [`response-${verb}`, message(answerSchema(verb), CORRELATED)]),
  };
}

/** MQTT 5 has Correlation Data; MQTT 3.1.1 has `id`. */
const CORRELATED = {
  correlationId: { description: 'Also as MQTT 5 Correlation Data.', location: '$message.payload#/id' },
};

function message(schema: TSchema, rest: object = {}) {
  const { description } = schema as Described;
  return {
    ...(description === undefined ? {} : { summary: description }),
    contentType: 'application/json',
    ...rest,
    bindings: {
      mqtt: { payloadFormatIndicator: 1, contentType: 'application/json', bindingVersion: '0.2.0' },
    },
    payload: schema,
  };
}

function byName<T extends string, V>(
  names: readonly T[],
  entry: (name: T) => readonly [string, V],
): Record<string, V> {
  return Object.fromEntries(names.map(entry));
}
