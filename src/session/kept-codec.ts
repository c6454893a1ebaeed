// A living session as the octets in which it is kept (model/kept.ts): fields (base/fields.ts) of version 1, kind 2 or 3 = layer.
//
// What is in the store is what the next start lets in again, so a session without a field that it needs is refused whole.

import { utf8 } from '../base/bytes.ts';
import { type Fields, FieldWriter, readFields } from '../base/fields.ts';
import { present } from '../base/present.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';
import { type MachineTime, millis, type WallTime } from '../base/time.ts';
import { countersFromNumbers, countersToNumbers } from '../model/acct.ts';
import { type Authorization, isAuthMethod, type KeptAttribute } from '../model/authorization.ts';
import {
  KEPT_PREFIX,
  type KeptAddress,
  type KeptPlace,
  type KeptProof,
  type KeptSession,
  type KeptStation,
} from '../model/kept.ts';
import { readStation, writeStation } from '../model/station-fields.ts';

const KEPT_VERSION = 1;

/** Never given another meaning. A part that is added to the model and not here does not compile. */
const TAGS = {
  boot: 1,
  id: 2,
  multiId: 3,
  method: 4,
  startedWall: 5,
  startedAt: 6,
  authorizedAt: 7,
  role: 8,
  ipv4: 9,
  ipv6: 10,
  heardIpv6: 11,
  // Of its place.
  mac: 16,
  port: 17,
  nasPort: 18,
  calledStation: 19,
  vlan: 20,
  vlansUntagged: 21,
  vlansTagged: 22,
  domain: 23,
  wishUntagged: 24,
  wishTagged: 25,
  wishVoice: 26,
  baseline: 27,
  ip: 28,
  concentrator: 29,
  opened: 30,
  linkChanges: 31,
  // Of its method.
  since: 32,
  due: 33,
  failures: 34,
  identity: 35,
  identifier: 36,
  // Of the authorization.
  userName: 48,
  classes: 49,
  sessionTimeout: 50,
  reauthenticateAtTimeout: 51,
  idleTimeout: 52,
  interimInterval: 53,
  filterId: 54,
  vendorRole: 55,
  authorizedVlan: 56,
  egress: 57,
  egressTagged: 58,
  egressUntagged: 59,
  voice: 60,
  filterRules: 61,
  filterRule: 62,
  state: 63,
  others: 64,
  framedIp: 65,
  replyMessage: 66,
  cui: 67,
  server: 68,
} as const satisfies Record<Part, number>;

type Part =
  | Exclude<keyof KeptSession, 'place' | 'authorization' | 'proof'>
  | Exclude<keyof KeptStation | keyof KeptAddress, 'layer' | 'vlans' | 'wish'>
  | 'vlansUntagged'
  | 'vlansTagged'
  | 'wishUntagged'
  | 'wishTagged'
  | 'wishVoice'
  | keyof KeptProof
  | Exclude<keyof Authorization, 'vlan'>
  | 'authorizedVlan'
  | 'egressTagged'
  | 'egressUntagged'
  | 'filterRule';

/** One entry of the store: written, or (`value` null) erased. */
export interface KeptChange {
  readonly key: string;
  readonly value: Uint8Array | null;
  /** The store has nothing under this key. */
  readonly isNew?: true;
}

/** What an earlier run left. */
export interface KeptContent {
  readonly sessions: readonly KeptSession[];
  /** Entries that could not be read, by key. */
  readonly damaged: readonly string[];
}

export const NOTHING_KEPT: KeptContent = { sessions: [], damaged: [] };

export function keepingSession(kept: KeptSession): KeptChange {
  return { key: `${KEPT_PREFIX}${kept.id}`, value: encodeKept(kept) };
}

export function forgettingSession(id: string): KeptChange {
  return { key: `${KEPT_PREFIX}${id}`, value: null };
}

/** Of all that is in the store, what is a session. Never throws, whatever the entries are. */
export function readKept(entries: Iterable<readonly [key: string, value: Uint8Array]>): KeptContent {
  const sessions: KeptSession[] = [];
  const damaged: string[] = [];
  for (const [key, value] of entries) {
    if (!key.startsWith(KEPT_PREFIX)) continue;
    const decoded = decodeKept(value);
    if (decoded.ok && `${KEPT_PREFIX}${decoded.value.id}` === key) sessions.push(decoded.value);
    else damaged.push(key);
  }
  return { sessions, damaged };
}

export function encodeKept(kept: KeptSession): Uint8Array {
  const out = new FieldWriter(KEPT_VERSION, kept.place.layer);
  out.text(TAGS.boot, kept.boot);
  out.text(TAGS.id, kept.id);
  out.text(TAGS.multiId, kept.multiId);
  out.text(TAGS.method, kept.method);
  out.numbers(TAGS.startedWall, kept.startedWall);
  out.numbers(TAGS.startedAt, kept.startedAt);
  out.numbers(TAGS.authorizedAt, kept.authorizedAt);
  out.text(TAGS.role, kept.role);
  if (kept.ipv4 !== undefined) out.ip(TAGS.ipv4, kept.ipv4);
  if (kept.ipv6 !== undefined) out.ip(TAGS.ipv6, kept.ipv6);
  for (const ip of kept.heardIpv6 ?? []) out.ip(TAGS.heardIpv6, ip);
  if (kept.place.layer === 2) stationFields(out, kept.place);
  else {
    out.ip(TAGS.ip, kept.place.ip);
    out.ip(TAGS.concentrator, kept.place.concentrator);
  }
  if (kept.proof !== undefined) proofFields(out, kept.proof);
  authorizationFields(out, kept.authorization);
  return out.finish();
}

function stationFields(out: FieldWriter, station: KeptStation): void {
  writeStation(out, TAGS, station);
  out.numbers(TAGS.vlan, station.vlan);
  const { untagged, tagged } = station.vlans;
  if (untagged !== undefined) out.numbers(TAGS.vlansUntagged, untagged);
  out.numbers(TAGS.vlansTagged, ...tagged);
  out.text(TAGS.domain, station.domain);
  for (const word of station.wish.untagged) out.text(TAGS.wishUntagged, word);
  for (const word of station.wish.tagged) out.text(TAGS.wishTagged, word);
  if (station.wish.voice) out.numbers(TAGS.wishVoice);
  if (station.opened === true) out.numbers(TAGS.opened);
  if (station.linkChanges !== undefined) out.numbers(TAGS.linkChanges, station.linkChanges);
  if (station.baseline !== undefined) out.numbers(TAGS.baseline, ...countersToNumbers(station.baseline));
}

function proofFields(out: FieldWriter, { since, due, failures, identity, identifier }: KeptProof): void {
  out.numbers(TAGS.since, since);
  if (due !== undefined) out.numbers(TAGS.due, due);
  out.numbers(TAGS.failures, failures);
  if (identity !== undefined) out.octets(TAGS.identity, identity);
  if (identifier !== undefined) out.numbers(TAGS.identifier, identifier);
}

function authorizationFields(out: FieldWriter, given: Authorization): void {
  out.text(TAGS.userName, given.userName);
  for (const value of given.classes) out.octets(TAGS.classes, value);
  if (given.sessionTimeout !== undefined) out.numbers(TAGS.sessionTimeout, given.sessionTimeout);
  if (given.reauthenticateAtTimeout) out.numbers(TAGS.reauthenticateAtTimeout);
  if (given.idleTimeout !== undefined) out.numbers(TAGS.idleTimeout, given.idleTimeout);
  if (given.interimInterval !== undefined) out.numbers(TAGS.interimInterval, given.interimInterval);
  if (given.filterId !== undefined) out.text(TAGS.filterId, given.filterId);
  if (given.vendorRole !== undefined) out.text(TAGS.vendorRole, given.vendorRole);
  if (given.vlan !== undefined) out.text(TAGS.authorizedVlan, given.vlan);
  if (given.egress !== undefined) {
    out.numbers(TAGS.egress);
    for (const word of given.egress.tagged) out.text(TAGS.egressTagged, word);
    for (const word of given.egress.untagged) out.text(TAGS.egressUntagged, word);
  }
  if (given.voice === true) out.numbers(TAGS.voice);
  if (given.filterRules !== undefined) {
    out.numbers(TAGS.filterRules);
    for (const rule of given.filterRules) out.text(TAGS.filterRule, rule);
  }
  if (given.state !== undefined) out.octets(TAGS.state, given.state);
  if (given.others !== undefined) {
    const all = given.others.map(({ name, value }) => [name, value]);
    out.octets(TAGS.others, utf8(JSON.stringify(all)));
  }
  if (given.framedIp !== undefined) out.ip(TAGS.framedIp, given.framedIp);
  if (given.replyMessage !== undefined) out.text(TAGS.replyMessage, given.replyMessage);
  if (given.cui !== undefined) out.octets(TAGS.cui, given.cui);
  out.text(TAGS.server, given.server);
}

export function decodeKept(octets: Uint8Array): Decoded<KeptSession> {
  const read = readFields(octets, KEPT_VERSION);
  if (!read.ok) return read;
  const { kind, fields } = read.value;
  const boot = fields.text(TAGS.boot);
  const id = fields.text(TAGS.id);
  const multiId = fields.text(TAGS.multiId);
  const method = fields.text(TAGS.method);
  const startedWall = fields.number(TAGS.startedWall);
  const startedAt = fields.number(TAGS.startedAt);
  const authorizedAt = fields.number(TAGS.authorizedAt);
  const role = fields.text(TAGS.role);
  if (boot === undefined || id === undefined || multiId === undefined || role === undefined)
    return malformed('missing', 'a part of the session');
  if (!isAuthMethod(method)) return malformed('missing', 'method');
  if (startedWall === undefined || startedAt === undefined || authorizedAt === undefined)
    return malformed('missing', 'a time');
  const place = placeOf(kind, fields);
  if (place === undefined) return malformed('missing', 'a part of its place');
  const authorization = authorizationOf(fields);
  if (authorization === undefined) return malformed('missing', 'a part of its authorization');
  return ok({
    boot,
    place,
    id,
    multiId,
    method,
    startedWall: startedWall as WallTime,
    startedAt: startedAt as MachineTime,
    authorizedAt: authorizedAt as MachineTime,
    authorization,
    role,
    ...present({
      ipv4: fields.ip(TAGS.ipv4),
      ipv6: fields.ip(TAGS.ipv6),
      heardIpv6: fields.has(TAGS.heardIpv6) ? fields.ips(TAGS.heardIpv6) : undefined,
      proof: proofOf(fields),
    }),
  });
}

function placeOf(layer: number, fields: Fields): KeptPlace | undefined {
  if (layer === 2) return stationOf(fields);
  const ip = fields.ip(TAGS.ip);
  const concentrator = fields.ip(TAGS.concentrator);
  if (layer !== 3 || ip === undefined || concentrator === undefined) return undefined;
  return { layer, ip, concentrator };
}

function stationOf(fields: Fields): KeptStation | undefined {
  const station = readStation(fields, TAGS);
  const vlan = fields.number(TAGS.vlan);
  const tagged = fields.numbers(TAGS.vlansTagged);
  const domain = fields.text(TAGS.domain);
  if (station === undefined || vlan === undefined || tagged === undefined) return undefined;
  if (domain !== 'data' && domain !== 'voice') return undefined;
  return {
    layer: 2,
    ...station,
    vlan,
    vlans: { untagged: fields.number(TAGS.vlansUntagged), tagged },
    domain,
    wish: {
      untagged: fields.texts(TAGS.wishUntagged),
      tagged: fields.texts(TAGS.wishTagged),
      voice: fields.has(TAGS.wishVoice),
    },
    ...(fields.has(TAGS.opened) ? { opened: true } : {}),
    ...present({
      linkChanges: fields.number(TAGS.linkChanges),
      baseline: countersFromNumbers(fields.numbers(TAGS.baseline)),
    }),
  };
}

function proofOf(fields: Fields): KeptProof | undefined {
  const since = fields.number(TAGS.since);
  const failures = fields.number(TAGS.failures);
  if (since === undefined || failures === undefined) return undefined;
  const due = fields.number(TAGS.due) as MachineTime | undefined;
  const identity = fields.octets(TAGS.identity);
  const identifier = fields.number(TAGS.identifier);
  return { since: since as MachineTime, failures, ...present({ due, identity, identifier }) };
}

function authorizationOf(fields: Fields): Authorization | undefined {
  const userName = fields.text(TAGS.userName);
  const server = fields.text(TAGS.server);
  const others = othersOf(fields);
  if (userName === undefined || server === undefined || others === 'unreadable') return undefined;
  const length = (tag: number) => {
    const value = fields.number(tag);
    return value === undefined ? undefined : millis(value);
  };
  const egress = {
    tagged: fields.texts(TAGS.egressTagged),
    untagged: fields.texts(TAGS.egressUntagged),
  };
  return {
    userName,
    classes: fields.all(TAGS.classes),
    reauthenticateAtTimeout: fields.has(TAGS.reauthenticateAtTimeout),
    server,
    ...present({
      sessionTimeout: length(TAGS.sessionTimeout),
      idleTimeout: length(TAGS.idleTimeout),
      interimInterval: length(TAGS.interimInterval),
      filterId: fields.text(TAGS.filterId),
      vendorRole: fields.text(TAGS.vendorRole),
      vlan: fields.text(TAGS.authorizedVlan),
      egress: fields.has(TAGS.egress) ? egress : undefined,
      voice: fields.has(TAGS.voice) ? (true as const) : undefined,
      filterRules: fields.has(TAGS.filterRules) ? fields.texts(TAGS.filterRule) : undefined,
      state: fields.octets(TAGS.state),
      others,
      framedIp: fields.ip(TAGS.framedIp),
      replyMessage: fields.text(TAGS.replyMessage),
      cui: fields.octets(TAGS.cui),
    }),
  };
}

function othersOf(fields: Fields): readonly KeptAttribute[] | 'unreadable' | undefined {
  const text = fields.text(TAGS.others);
  if (text === undefined) return undefined;
  try {
    const pairs: unknown = JSON.parse(text);
    if (!Array.isArray(pairs)) return 'unreadable';
    const read = pairs.map((pair: unknown) => {
      const [name, value] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
      return typeof name === 'string' && typeof value === 'string' ? { name, value } : undefined;
    });
    const whole = read.filter((each) => each !== undefined);
    return whole.length === read.length ? whole : 'unreadable';
  } catch {
    return 'unreadable';
  }
}
