// An accounting record as the octets in which it waits on disk: fields (base/fields.ts) of version 1.
//
// A record without a field that it needs is refused. Decoding never throws, whatever the octets are.

import { type Fields, FieldWriter, readFields } from '../base/fields.ts';
import { present } from '../base/present.ts';
import { assertNever, type Decoded, malformed, ok } from '../base/result.ts';
import type { MachineTime, WallTime } from '../base/time.ts';
import {
  type AcctRecord,
  type AcctStation,
  type AcctStory,
  type AcctSubject,
  countersFromNumbers,
  countersToNumbers,
} from '../model/acct.ts';
import { isAuthMethod } from '../model/authorization.ts';
import { END_CAUSES, type EndCause } from '../model/cause.ts';
import { isSeenBy } from '../model/session.ts';
import { readStation, writeStation } from '../model/station-fields.ts';

const RECORD_VERSION = 1;

/** Never given another meaning: what is on disk outlives the program. */
const KINDS = ['start', 'stop', 'interim', 'on', 'off'] as const satisfies readonly AcctRecord['kind'][];

/** A part of a record that is added to the model and not here does not compile. */
type Field =
  | Exclude<
      keyof AcctSubject | keyof AcctStation | keyof AcctStory | KeyOfAny<AcctRecord>,
      'classes' | 'station' | 'story' | 'subject' | 'kind'
    >
  | 'class';
type KeyOfAny<R> = R extends unknown ? keyof R : never;

const TAGS = {
  eventTime: 1,
  sessionTimeS: 2,
  cause: 3,
  foreignCause: 4,
  counters: 5,
  sessionId: 16,
  multiSessionId: 17,
  userName: 18,
  mac: 19,
  port: 20,
  nasPort: 21,
  calledStation: 22,
  class: 23,
  cui: 24,
  ipv4: 25,
  ipv6: 26,
  method: 27,
  role: 28,
  started: 29,
  vlan: 30,
  lastSeenBy: 31,
  probesSent: 32,
  probesAnswered: 33,
  seenAt: 34,
  ownAt: 35,
  interimAt: 36,
} as const satisfies Record<Field, number>;
type Tag = keyof typeof TAGS;
const STATION = ['mac', 'port', 'nasPort', 'calledStation'] as const satisfies readonly Tag[];

export function encodeRecord(record: AcctRecord): Uint8Array {
  const out = new FieldWriter(RECORD_VERSION, KINDS.indexOf(record.kind));
  out.numbers(TAGS.eventTime, record.eventTime);
  switch (record.kind) {
    case 'on':
    case 'off':
      if (record.cause !== undefined) out.text(TAGS.cause, record.cause);
      break;
    case 'start':
      subjectFields(out, record.subject);
      break;
    case 'interim':
    case 'stop':
      subjectFields(out, record.subject);
      out.numbers(TAGS.sessionTimeS, record.sessionTimeS);
      if (record.counters !== undefined) out.numbers(TAGS.counters, ...countersToNumbers(record.counters));
      if (record.kind === 'interim') break;
      out.text(TAGS.cause, record.cause);
      if (record.foreignCause !== undefined) out.numbers(TAGS.foreignCause, record.foreignCause);
      break;
    default:
      assertNever(record);
  }
  return out.finish();
}

function subjectFields(out: FieldWriter, subject: AcctSubject): void {
  out.text(TAGS.sessionId, subject.sessionId);
  out.text(TAGS.multiSessionId, subject.multiSessionId);
  out.text(TAGS.userName, subject.userName);
  if (subject.station !== undefined) writeStation(out, TAGS, subject.station);
  for (const value of subject.classes) out.octets(TAGS.class, value);
  if (subject.cui !== undefined) out.octets(TAGS.cui, subject.cui);
  if (subject.ipv4 !== undefined) out.ip(TAGS.ipv4, subject.ipv4);
  if (subject.ipv6 !== undefined) out.ip(TAGS.ipv6, subject.ipv6);
  if (subject.story !== undefined) storyFields(out, subject.story);
}

function storyFields(out: FieldWriter, story: AcctStory): void {
  out.text(TAGS.method, story.method);
  out.text(TAGS.role, story.role);
  out.numbers(TAGS.started, story.started);
  if (story.vlan !== undefined) out.numbers(TAGS.vlan, story.vlan);
  out.text(TAGS.lastSeenBy, story.lastSeenBy);
  out.numbers(TAGS.probesSent, story.probesSent);
  out.numbers(TAGS.probesAnswered, story.probesAnswered);
  if (story.seenAt !== undefined) out.numbers(TAGS.seenAt, story.seenAt);
  if (story.ownAt !== undefined) out.numbers(TAGS.ownAt, story.ownAt);
  if (story.interimAt !== undefined) out.numbers(TAGS.interimAt, story.interimAt);
}

export function decodeRecord(bytes: Uint8Array): Decoded<AcctRecord> {
  const read = readFields(bytes, RECORD_VERSION);
  if (!read.ok) return read;
  const { kind: code, fields } = read.value;
  const kind = KINDS[code];
  return kind === undefined ? malformed('kind', `kind ${code}`) : recordOf(kind, fields);
}

function recordOf(kind: AcctRecord['kind'], fields: Fields): Decoded<AcctRecord> {
  const time = fields.number(TAGS.eventTime);
  if (time === undefined) return malformed('missing', 'eventTime');
  const eventTime = time as WallTime;
  const cause = causeOf(fields);
  if (kind === 'on' || kind === 'off')
    return ok({ kind, eventTime, ...(cause === undefined ? {} : { cause }) });
  const subject = subjectOf(fields);
  if (subject === undefined) return malformed('missing', 'a part of the session');
  if (kind === 'start') return ok({ kind, eventTime, subject });
  const sessionTimeS = fields.number(TAGS.sessionTimeS);
  if (sessionTimeS === undefined) return malformed('missing', 'sessionTimeS');
  const counters = countersFromNumbers(fields.numbers(TAGS.counters));
  const usage = { eventTime, subject, sessionTimeS, ...(counters === undefined ? {} : { counters }) };
  if (kind === 'interim') return ok({ kind, ...usage });
  if (cause === undefined) return malformed('missing', 'cause');
  const foreignCause = fields.number(TAGS.foreignCause);
  return ok({ kind, ...usage, cause, ...(foreignCause === undefined ? {} : { foreignCause }) });
}

function subjectOf(fields: Fields): AcctSubject | undefined {
  const sessionId = fields.text(TAGS.sessionId);
  const multiSessionId = fields.text(TAGS.multiSessionId);
  const userName = fields.text(TAGS.userName);
  const station = stationOf(fields);
  if (sessionId === undefined || multiSessionId === undefined || userName === undefined) return undefined;
  if (station === 'incomplete') return undefined;
  const cui = fields.octets(TAGS.cui);
  const ipv4 = fields.ip(TAGS.ipv4);
  const ipv6 = fields.ip(TAGS.ipv6);
  const story = storyOf(fields);
  return {
    sessionId,
    multiSessionId,
    userName,
    ...(station === undefined ? {} : { station }),
    classes: fields.all(TAGS.class),
    ...(cui === undefined ? {} : { cui }),
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(story === undefined ? {} : { story }),
  };
}

/** All of it or nothing: RADIUS does not need it. */
function storyOf(fields: Fields): AcctStory | undefined {
  const method = fields.text(TAGS.method);
  const role = fields.text(TAGS.role);
  const started = fields.number(TAGS.started);
  const lastSeenBy = fields.text(TAGS.lastSeenBy);
  const probesSent = fields.number(TAGS.probesSent);
  const probesAnswered = fields.number(TAGS.probesAnswered);
  if (!isAuthMethod(method)) return undefined;
  if (!isSeenBy(lastSeenBy)) return undefined;
  if (role === undefined || started === undefined) return undefined;
  if (probesSent === undefined || probesAnswered === undefined) return undefined;
  const vlan = fields.number(TAGS.vlan);
  const seenAt = fields.number(TAGS.seenAt) as MachineTime | undefined;
  const ownAt = fields.number(TAGS.ownAt) as MachineTime | undefined;
  const interimAt = fields.number(TAGS.interimAt) as MachineTime | undefined;
  return {
    method,
    role,
    started: started as WallTime,
    ...(vlan === undefined ? {} : { vlan }),
    lastSeenBy,
    probesSent,
    probesAnswered,
    ...present({ seenAt, ownAt, interimAt }),
  };
}

/** All of it or, for an address behind the switch, nothing. */
function stationOf(fields: Fields): AcctStation | 'incomplete' | undefined {
  const station = readStation(fields, TAGS);
  if (station !== undefined) return station;
  const isL3 = STATION.every((tag) => !fields.has(TAGS[tag]));
  return isL3 ? undefined : 'incomplete';
}

function causeOf(fields: Fields): EndCause | undefined {
  const name = fields.text(TAGS.cause);
  return name !== undefined && Object.hasOwn(END_CAUSES, name) ? (name as EndCause) : undefined;
}
