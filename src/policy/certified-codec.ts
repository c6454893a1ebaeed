// The certified-device list as it stands on disk, in a table of its own:
//
//   d MAC    a device, as JSON        r RULE   what a clearing rule has done so far (certified-rules.ts)
//
// Each value is the CRC-32 of the JSON, and the JSON. Unknown members are skipped. Decoding never throws, whatever the octets
// are; what cannot be read is passed over and counted.

import { ByteReader, ByteWriter, fromUtf8, utf8 } from '../base/bytes.ts';
import { crc32 } from '../base/crc32.ts';
import { type Mac, parseMac } from '../base/mac.ts';
import type { WallTime } from '../base/time.ts';
import { CERTIFYING_METHODS, type CertifyingMethod } from '../model/authorization.ts';
import type { PortName, VlanId } from '../model/dataplane.ts';

/** A device whose user has passed: as of the last time. */
export interface CertifiedDevice {
  readonly mac: Mac;
  readonly userName: string;
  readonly port: PortName;
  readonly vlan: VlanId;
  readonly role: string;
  readonly method: CertifyingMethod;
  /** When it came onto the list. */
  readonly first: WallTime;
  /** When its user last passed. */
  readonly last: WallTime;
}

/** What a clearing rule has done so far. */
export interface RunState {
  /** When its last run was due; before the first one, the time from which that is counted. */
  readonly since: WallTime;
  /** A run is under way, and goes on then. */
  readonly batchAt?: WallTime;
}

/** One entry of the table: written, or (`value` null) erased. */
export interface CertifiedChange {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** What an earlier run left. */
export interface CertifiedContent {
  readonly devices: readonly CertifiedDevice[];
  /** By `ruleKey`. */
  readonly runs: ReadonlyMap<string, RunState>;
  /** Entries that could not be read. */
  readonly damaged: number;
}

export const EMPTY_CERTIFIED: CertifiedContent = { devices: [], runs: new Map(), damaged: 0 };

const CHECKSUM_OCTETS = 4;

export function writing({ mac, ...device }: CertifiedDevice): CertifiedChange {
  return { key: `d${mac}`, value: sealed(device) };
}

export function erasing(mac: Mac): CertifiedChange {
  return { key: `d${mac}`, value: null };
}

/** `state` undefined: the rule is not in force any more. */
export function keepingRun(rule: string, state: RunState | undefined): CertifiedChange {
  return { key: `r${rule}`, value: state === undefined ? null : sealed(state) };
}

export function readCertified(
  entries: Iterable<readonly [key: string, value: Uint8Array]>,
): CertifiedContent {
  const devices: CertifiedDevice[] = [];
  const runs = new Map<string, RunState>();
  let damaged = 0;
  for (const [key, value] of entries) {
    const json = unsealed(value);
    const name = key.slice(1);
    const device = key.startsWith('d') ? deviceOf(name, json) : undefined;
    const run = key.startsWith('r') ? runOf(json) : undefined;
    if (device !== undefined) devices.push(device);
    else if (run !== undefined) runs.set(name, run);
    else damaged++;
  }
  return { devices, runs, damaged };
}

function sealed(value: object): Uint8Array {
  const json = utf8(JSON.stringify(value));
  return new ByteWriter(CHECKSUM_OCTETS + json.length).u32(crc32(json)).bytes(json).finish();
}

type Json = Readonly<Record<string, unknown>>;

function unsealed(octets: Uint8Array): Json {
  const reader = new ByteReader(octets);
  const checksum = reader.u32();
  const json = reader.rest();
  if (reader.failed || checksum !== crc32(json)) return {};
  try {
    const value: unknown = JSON.parse(fromUtf8(json));
    return typeof value === 'object' && value !== null ? (value as Json) : {};
  } catch {
    return {};
  }
}

function deviceOf(macText: string, json: Json): CertifiedDevice | undefined {
  const mac = parseMac(macText);
  const { userName, port, vlan, role, method, first, last } = json;
  if (mac === undefined || typeof userName !== 'string' || typeof port !== 'string') return undefined;
  if (typeof role !== 'string' || !isWhole(vlan) || !isWhole(first) || !isWhole(last)) return undefined;
  if (!CERTIFYING_METHODS.some((each) => each === method)) return undefined;
  return {
    mac,
    userName,
    port: port as PortName,
    vlan,
    role,
    method: method as CertifyingMethod,
    first: first as WallTime,
    last: last as WallTime,
  };
}

function runOf({ since, batchAt }: Json): RunState | undefined {
  if (!isNumber(since)) return undefined;
  const state = { since: since as WallTime };
  return isNumber(batchAt) ? { ...state, batchAt: batchAt as WallTime } : state;
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
