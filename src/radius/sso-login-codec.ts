// A login at a concentrator as it is kept for the next start of the agent: fields (base/fields.ts) of version 1. Whether its
// addresses are in is the business of their sessions.

import { toHex, utf8 } from '../base/bytes.ts';
import { type FieldFrame, FieldWriter, readFields } from '../base/fields.ts';
import { hmacSha256 } from '../base/hash.ts';
import type { Ip } from '../base/ip.ts';
import { present } from '../base/present.ts';
import type { MachineTime } from '../base/time.ts';
import { LOGIN_PREFIX } from '../model/kept.ts';
import type { Nas } from './sso-notice.ts';

const VERSION = 1;
const KIND = 1;
/** In the store a longer one stands by its hash. */
const KEY_OCTETS_MAX = 256;
const NO_SECRET = new Uint8Array(0);

const TAGS = {
  boot: 1,
  client: 2,
  nasIdentifier: 3,
  nasAddress: 4,
  sessionId: 5,
  userName: 6,
  filterId: 7,
  class: 8,
  address: 9,
  multiId: 10,
  startedAt: 11,
  heardAt: 12,
} as const;

export interface KeptLogin {
  /** Of the machine: its times are of this boot. */
  readonly boot: string;
  readonly client: Ip;
  readonly nas: Nas;
  /** The concentrator's. */
  readonly sessionId: string;
  readonly userName: string;
  readonly filterId?: string;
  readonly classes: readonly Uint8Array[];
  readonly addresses: readonly Ip[];
  readonly multiId?: string;
  readonly startedAt: MachineTime;
  readonly heardAt: MachineTime;
}

/** An entry of the store. */
export interface StoredLogin {
  readonly key: string;
  /** Undefined = it cannot be read; it comes back with its next Interim. */
  readonly login: KeptLogin | undefined;
}

/** In the store; undefined = it is over. */
export interface LoginChange {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** `key`: of the login, in the book. */
export function keepingLogin(key: string, login: KeptLogin | undefined): LoginChange {
  return { key: storeKey(key), value: login === undefined ? null : encodeLogin(login) };
}

/** A concentrator may name itself and its session in so many octets that the store has no room for such a key. */
function storeKey(key: string): string {
  const octets = utf8(key);
  if (octets.length <= KEY_OCTETS_MAX) return `${LOGIN_PREFIX}${key}`;
  return `${LOGIN_PREFIX}${toHex(hmacSha256(NO_SECRET, octets))}`;
}

/** Of all that is in the store, what is a login. */
export function readLogins(
  entries: Iterable<readonly [key: string, value: Uint8Array]>,
): readonly StoredLogin[] {
  const logins: StoredLogin[] = [];
  for (const [key, value] of entries) {
    if (!key.startsWith(LOGIN_PREFIX)) continue;
    const read = readFields(value, VERSION);
    logins.push({ key, login: read.ok ? loginOf(read.value) : undefined });
  }
  return logins;
}

function encodeLogin(login: KeptLogin): Uint8Array {
  const out = new FieldWriter(VERSION, KIND);
  out.text(TAGS.boot, login.boot);
  out.ip(TAGS.client, login.client);
  if (login.nas.identifier !== undefined) out.text(TAGS.nasIdentifier, login.nas.identifier);
  if (login.nas.address !== undefined) out.ip(TAGS.nasAddress, login.nas.address);
  out.text(TAGS.sessionId, login.sessionId);
  out.text(TAGS.userName, login.userName);
  if (login.filterId !== undefined) out.text(TAGS.filterId, login.filterId);
  for (const value of login.classes) out.octets(TAGS.class, value);
  for (const ip of login.addresses) out.ip(TAGS.address, ip);
  if (login.multiId !== undefined) out.text(TAGS.multiId, login.multiId);
  out.numbers(TAGS.startedAt, login.startedAt);
  out.numbers(TAGS.heardAt, login.heardAt);
  return out.finish();
}

function loginOf({ kind, fields }: FieldFrame): KeptLogin | undefined {
  const boot = fields.text(TAGS.boot);
  const client = fields.ip(TAGS.client);
  const sessionId = fields.text(TAGS.sessionId);
  const userName = fields.text(TAGS.userName);
  const startedAt = fields.number(TAGS.startedAt) as MachineTime | undefined;
  const heardAt = fields.number(TAGS.heardAt) as MachineTime | undefined;
  if (kind !== KIND || boot === undefined || client === undefined || sessionId === undefined)
    return undefined;
  if (userName === undefined || startedAt === undefined || heardAt === undefined) return undefined;
  const identifier = fields.text(TAGS.nasIdentifier);
  const address = fields.ip(TAGS.nasAddress);
  const filterId = fields.text(TAGS.filterId);
  const multiId = fields.text(TAGS.multiId);
  return {
    boot,
    client,
    nas: present({ identifier, address }),
    sessionId,
    userName,
    classes: fields.all(TAGS.class),
    addresses: fields.ips(TAGS.address),
    startedAt,
    heardAt,
    ...present({ filterId, multiId }),
  };
}
