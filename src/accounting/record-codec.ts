// An accounting record as the octets in which it waits on disk.
//
//   version 1 | kind | fields: tag, length (2 octets), value | CRC-32 of all before it
//
// A field that is not known is skipped, so that an older program of the same version can read what a newer one wrote;
// a record without a field that it needs is refused. Decoding never throws, whatever the octets are.

import { ByteReader, ByteWriter, fromUtf8, utf8 } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { type Ip, ipFromBytes, ipToBytes } from '../base/ip.ts';
import { type Mac, macFromBytes, macToBytes } from '../base/mac.ts';
import { assertNever, type Decoded, malformed, ok } from '../base/result.ts';
import type { WallTime } from '../base/time.ts';
import type { AcctRecord, AcctStation, AcctStory, AcctSubject, TrafficCounters } from '../model/acct.ts';
import type { AuthMethod } from '../model/authorization.ts';
import { END_CAUSES, type EndCause } from '../model/cause.ts';
import type { PortName } from '../model/dataplane.ts';

const RECORD_VERSION = 1;
const CHECKSUM_OCTETS = 4;
const LONGEST_FIELD = 0xffff;
const WORD = 2 ** 32;

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
} as const satisfies Record<Field, number>;
type Tag = keyof typeof TAGS;
const STATION = ['mac', 'port', 'nasPort', 'calledStation'] as const satisfies readonly Tag[];

/** One that is added to the model and not here does not compile. */
const METHODS: Readonly<Record<AuthMethod, true>> = {
  dot1x: true,
  mab: true,
  web: true,
  sso: true,
  guest: true,
  'auth-fail': true,
  critical: true,
  portal: true,
};
const SEEN_BY: Readonly<Record<AcctStory['lastSeenBy'], true>> = {
  login: true,
  fdb: true,
  arp: true,
  nd: true,
  dhcp: true,
  eapol: true,
  counter: true,
  activity: true,
};

export function encodeRecord(record: AcctRecord): Uint8Array {
  const out = new ByteWriter(256).u8(RECORD_VERSION).u8(KINDS.indexOf(record.kind));
  field(out, 'eventTime', number(record.eventTime));
  switch (record.kind) {
    case 'on':
    case 'off':
      if (record.cause !== undefined) field(out, 'cause', utf8(record.cause));
      break;
    case 'start':
      subjectFields(out, record.subject);
      break;
    case 'interim':
    case 'stop':
      subjectFields(out, record.subject);
      field(out, 'sessionTimeS', number(record.sessionTimeS));
      if (record.counters !== undefined) field(out, 'counters', countersOctets(record.counters));
      if (record.kind === 'interim') break;
      field(out, 'cause', utf8(record.cause));
      if (record.foreignCause !== undefined) field(out, 'foreignCause', number(record.foreignCause));
      break;
    default:
      assertNever(record);
  }
  return out.u32(crc32(out.written())).finish();
}

function subjectFields(out: ByteWriter, subject: AcctSubject): void {
  field(out, 'sessionId', utf8(subject.sessionId));
  field(out, 'multiSessionId', utf8(subject.multiSessionId));
  field(out, 'userName', utf8(subject.userName));
  if (subject.station !== undefined) stationFields(out, subject.station);
  for (const value of subject.classes) field(out, 'class', value);
  if (subject.cui !== undefined) field(out, 'cui', subject.cui);
  if (subject.ipv4 !== undefined) field(out, 'ipv4', ipToBytes(subject.ipv4));
  if (subject.ipv6 !== undefined) field(out, 'ipv6', ipToBytes(subject.ipv6));
  if (subject.story !== undefined) storyFields(out, subject.story);
}

function storyFields(out: ByteWriter, story: AcctStory): void {
  field(out, 'method', utf8(story.method));
  field(out, 'role', utf8(story.role));
  field(out, 'started', number(story.started));
  if (story.vlan !== undefined) field(out, 'vlan', number(story.vlan));
  field(out, 'lastSeenBy', utf8(story.lastSeenBy));
  field(out, 'probesSent', number(story.probesSent));
  field(out, 'probesAnswered', number(story.probesAnswered));
}

function stationFields(out: ByteWriter, station: AcctStation): void {
  field(out, 'mac', macToBytes(station.mac));
  field(out, 'port', utf8(station.port));
  field(out, 'nasPort', number(station.nasPort));
  field(out, 'calledStation', macToBytes(station.calledStation));
}

function field(out: ByteWriter, tag: Tag, value: Uint8Array): void {
  const whole = value.length <= LONGEST_FIELD ? value : value.subarray(0, LONGEST_FIELD);
  out.u8(TAGS[tag]).u16(whole.length).bytes(whole);
}

/** 8 octets; whole, and not below 0. */
function number(value: number): Uint8Array {
  const whole = Math.max(0, Math.round(value));
  return new ByteWriter(8)
    .u32(Math.floor(whole / WORD))
    .u32(whole % WORD)
    .finish();
}

function countersOctets({
  inputOctets,
  outputOctets,
  inputPackets,
  outputPackets,
}: TrafficCounters): Uint8Array {
  const out = new ByteWriter(32);
  for (const value of [inputOctets, outputOctets, inputPackets, outputPackets]) out.bytes(number(value));
  return out.finish();
}

export function decodeRecord(bytes: Uint8Array): Decoded<AcctRecord> {
  if (bytes.length < 2 + CHECKSUM_OCTETS) return malformed('short', `${bytes.length} octets`);
  const body = bytes.subarray(0, bytes.length - CHECKSUM_OCTETS);
  if (new ByteReader(bytes, body.length).u32() !== crc32(body))
    return malformed('checksum', `${bytes.length} octets`);
  const reader = new ByteReader(body);
  const version = reader.u8();
  if (version !== RECORD_VERSION) return malformed('version', `version ${version}`);
  const code = reader.u8();
  const kind = KINDS[code];
  if (kind === undefined) return malformed('kind', `kind ${code}`);
  const fields = new Fields();
  while (reader.remaining > 0) {
    const tag = reader.u8();
    fields.add(tag, reader.bytes(reader.u16()));
  }
  if (reader.failed) return malformed('field-length', `past the end of ${bytes.length} octets`);
  return recordOf(kind, fields);
}

function recordOf(kind: AcctRecord['kind'], fields: Fields): Decoded<AcctRecord> {
  const time = fields.number('eventTime');
  if (time === undefined) return malformed('missing', 'eventTime');
  const eventTime = time as WallTime;
  const cause = fields.cause();
  if (kind === 'on' || kind === 'off')
    return ok({ kind, eventTime, ...(cause === undefined ? {} : { cause }) });
  const subject = subjectOf(fields);
  if (subject === undefined) return malformed('missing', 'a part of the session');
  if (kind === 'start') return ok({ kind, eventTime, subject });
  const sessionTimeS = fields.number('sessionTimeS');
  if (sessionTimeS === undefined) return malformed('missing', 'sessionTimeS');
  const counters = fields.counters();
  const usage = { eventTime, subject, sessionTimeS, ...(counters === undefined ? {} : { counters }) };
  if (kind === 'interim') return ok({ kind, ...usage });
  if (cause === undefined) return malformed('missing', 'cause');
  const foreignCause = fields.number('foreignCause');
  return ok({ kind, ...usage, cause, ...(foreignCause === undefined ? {} : { foreignCause }) });
}

function subjectOf(fields: Fields): AcctSubject | undefined {
  const sessionId = fields.text('sessionId');
  const multiSessionId = fields.text('multiSessionId');
  const userName = fields.text('userName');
  const station = stationOf(fields);
  if (sessionId === undefined || multiSessionId === undefined || userName === undefined) return undefined;
  if (station === 'incomplete') return undefined;
  const cui = fields.octets('cui');
  const ipv4 = fields.ip('ipv4');
  const ipv6 = fields.ip('ipv6');
  const story = storyOf(fields);
  return {
    sessionId,
    multiSessionId,
    userName,
    ...(station === undefined ? {} : { station }),
    classes: fields.all('class'),
    ...(cui === undefined ? {} : { cui }),
    ...(ipv4 === undefined ? {} : { ipv4 }),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(story === undefined ? {} : { story }),
  };
}

/** All of it or nothing: RADIUS does not need it. */
function storyOf(fields: Fields): AcctStory | undefined {
  const method = fields.text('method');
  const role = fields.text('role');
  const started = fields.number('started');
  const lastSeenBy = fields.text('lastSeenBy');
  const probesSent = fields.number('probesSent');
  const probesAnswered = fields.number('probesAnswered');
  if (method === undefined || !Object.hasOwn(METHODS, method)) return undefined;
  if (lastSeenBy === undefined || !Object.hasOwn(SEEN_BY, lastSeenBy)) return undefined;
  if (role === undefined || started === undefined) return undefined;
  if (probesSent === undefined || probesAnswered === undefined) return undefined;
  const vlan = fields.number('vlan');
  return {
    method: method as AuthMethod,
    role,
    started: started as WallTime,
    ...(vlan === undefined ? {} : { vlan }),
    lastSeenBy: lastSeenBy as AcctStory['lastSeenBy'],
    probesSent,
    probesAnswered,
  };
}

/** All of it or, for an address behind the switch, nothing. */
function stationOf(fields: Fields): AcctStation | 'incomplete' | undefined {
  const mac = fields.mac('mac');
  const port = fields.text('port');
  const nasPort = fields.number('nasPort');
  const calledStation = fields.mac('calledStation');
  if (mac !== undefined && port !== undefined && nasPort !== undefined && calledStation !== undefined)
    return { mac, port: port as PortName, nasPort, calledStation };
  const isL3 = STATION.every((tag) => !fields.has(tag));
  return isL3 ? undefined : 'incomplete';
}

/** Values by tag; undefined where there is none, or none of the right length. */
class Fields {
  private readonly values = new Map<number, Uint8Array[]>();

  add(tag: number, value: Uint8Array): void {
    const known = this.values.get(tag);
    if (known === undefined) this.values.set(tag, [value]);
    else known.push(value);
  }

  /** Copies: what the octets were read from may be used again. */
  all(tag: Tag): readonly Uint8Array[] {
    return (this.values.get(TAGS[tag]) ?? []).map((value) => value.slice());
  }

  has(tag: Tag): boolean {
    return this.values.has(TAGS[tag]);
  }

  octets(tag: Tag): Uint8Array | undefined {
    return this.view(tag)?.slice();
  }

  text(tag: Tag): string | undefined {
    const value = this.view(tag);
    return value === undefined ? undefined : fromUtf8(value);
  }

  number(tag: Tag): number | undefined {
    const value = this.view(tag);
    return value?.length === 8 ? readNumber(new ByteReader(value)) : undefined;
  }

  mac(tag: Tag): Mac | undefined {
    const value = this.view(tag);
    return value?.length === 6 ? macFromBytes(value) : undefined;
  }

  ip(tag: Tag): Ip | undefined {
    const value = this.view(tag);
    return value === undefined ? undefined : ipFromBytes(value);
  }

  private view(tag: Tag): Uint8Array | undefined {
    return this.values.get(TAGS[tag])?.[0];
  }

  cause(): EndCause | undefined {
    const name = this.text('cause');
    return name !== undefined && Object.hasOwn(END_CAUSES, name) ? (name as EndCause) : undefined;
  }

  counters(): TrafficCounters | undefined {
    const value = this.view('counters');
    if (value?.length !== 32) return undefined;
    const reader = new ByteReader(value);
    const [inputOctets, outputOctets, inputPackets, outputPackets] = [0, 0, 0, 0].map(() =>
      readNumber(reader),
    ) as [number, number, number, number];
    return { inputOctets, outputOctets, inputPackets, outputPackets };
  }
}

function readNumber(reader: ByteReader): number {
  return reader.u32() * WORD + reader.u32();
}
