// Every MQTT topic of Rollcall, built and parsed (docs/asyncapi.yaml): `rollcall/v1/<switch>/...`.
//
// A switch id or port name never smuggles a level or a wildcard into a topic: what a level cannot bear is percent-encoded
// (`/ + # %`, controls, NUL), and parsing turns it back.

import { type Ip, parseIp } from '../base/ip.ts';
import { type Mac, macToKey, parseMac } from '../base/mac.ts';
import { assertNever, err, ok, type Result } from '../base/result.ts';
import type { SessionKey } from '../model/session.ts';

export const TOPIC_ROOT = 'rollcall/v1';

export type Topic =
  | { readonly kind: 'availability' | 'info' }
  | { readonly kind: 'port'; readonly port: string }
  | { readonly kind: 'session'; readonly key: SessionKey }
  | { readonly kind: 'event'; readonly type: string }
  | { readonly kind: 'command' | 'query' | 'response'; readonly verb: string };

/** `aa-bb-cc-dd-ee-ff`. */
export function sessionKey(mac: Mac): SessionKey {
  return macToKey(mac) as SessionKey;
}

/** `ip-<address>`: a session known by its address alone. */
export function l3SessionKey(ip: Ip): SessionKey {
  return `ip-${ip}` as SessionKey;
}

export function baseTopic(switchId: string): string {
  return `${TOPIC_ROOT}/${encodeLevel(switchId)}/`;
}

export function buildTopic(switchId: string, topic: Topic): string {
  return baseTopic(switchId) + tail(topic);
}

function tail(topic: Topic): string {
  switch (topic.kind) {
    case 'availability':
    case 'info':
      return topic.kind;
    case 'port':
      return `port/${encodeLevel(topic.port)}`;
    case 'session':
      return `session/${encodeLevel(topic.key)}`;
    case 'event':
      return `event/${encodeLevel(topic.type)}`;
    case 'command':
    case 'query':
    case 'response':
      return `${topic.kind}/${encodeLevel(topic.verb)}`;
    default:
      return assertNever(topic);
  }
}

/** The error is a sentence for the log. */
export function parseTopic(
  text: string,
): Result<{ readonly switchId: string; readonly topic: Topic }, string> {
  const prefix = `${TOPIC_ROOT}/`;
  if (!text.startsWith(prefix)) return err(`not below ${prefix}`);
  const levels = text.slice(prefix.length).split('/').map(decodeLevel);
  const [switchId, kind, name, ...more] = levels;
  if (switchId === undefined || switchId === '' || kind === undefined || more.length > 0)
    return err('not a topic of ours');
  const topic = name === undefined ? bareTopic(kind) : namedTopic(kind, name);
  return topic === undefined
    ? err(`no topic of ours: ${JSON.stringify(levels.slice(1).join('/'))}`)
    : ok({ switchId, topic });
}

function bareTopic(kind: string): Topic | undefined {
  return kind === 'availability' || kind === 'info' ? { kind } : undefined;
}

function namedTopic(kind: string, name: string): Topic | undefined {
  if (name === '') return undefined;
  switch (kind) {
    case 'port':
      return { kind, port: name };
    case 'session': {
      const key = parseSessionKey(name);
      return key === undefined ? undefined : { kind, key };
    }
    case 'event':
      return { kind, type: name };
    case 'command':
    case 'query':
    case 'response':
      return { kind, verb: name };
    default:
      return undefined;
  }
}

/** Only the canonical spelling: one session, one topic. */
export function parseSessionKey(text: string): SessionKey | undefined {
  if (text.startsWith('ip-'))
    return parseIp(text.slice(3)) === text.slice(3) ? (text as SessionKey) : undefined;
  const mac = parseMac(text);
  return mac !== undefined && macToKey(mac) === text ? (text as SessionKey) : undefined;
}

function encodeLevel(text: string): string {
  let out = '';
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    // MQTT 5 §1.5.4: for a control, of C1 too, a broker may end the connection.
    const unfit = code < 0x20 || (code >= 0x7f && code <= 0x9f) || '/+#%$'.includes(character);
    out += unfit ? `%${code.toString(16).toUpperCase().padStart(2, '0')}` : character;
  }
  return out;
}

function decodeLevel(text: string): string {
  return text.replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
