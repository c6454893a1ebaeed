// An event that waits for the broker as it is kept for the next start of the agent: fields (base/fields.ts) of version 1, the
// payload as it will be published. Its key is its place in the queue.

import { concatBytes, fromUtf8, utf8 } from '../base/bytes.ts';
import { FieldWriter, readFields } from '../base/fields.ts';
import { type Decoded, malformed, ok } from '../base/result.ts';
import { EVENT_PREFIX } from '../model/kept.ts';
import { EVENT_TYPES, type EventPayload } from './event-payloads.ts';

const VERSION = 1;
const KIND = 1;
const TAGS = { payload: 1 } as const;
/** A payload is cut into fields of so many octets at most. */
const PIECE_OCTETS = 0xffff;
const REF_DIGITS = 12;

/** An event's place in the queue, over restarts: 1, 2, 3 ... and 1 again when nothing is left in the store. */
export type EventRef = number;

/** An event in the queue. */
export interface QueuedEvent {
  readonly ref: EventRef;
  readonly event: EventPayload;
}

/** An entry of the store: written, or (`value` null) erased. */
export interface EventChange {
  readonly key: string;
  readonly value: Uint8Array | null;
  readonly isNew?: true;
}

/** What an earlier run left. */
export interface StoredEvents {
  /** Oldest first. */
  readonly events: readonly QueuedEvent[];
  /** Keys of those that cannot be read. */
  readonly damaged: readonly string[];
  /** The highest that is taken; 0 = none. */
  readonly lastRef: EventRef;
}

export const NO_EVENTS: StoredEvents = { events: [], damaged: [], lastRef: 0 };

export function eventKey(ref: EventRef): string {
  return `${EVENT_PREFIX}${ref.toString(16).padStart(REF_DIGITS, '0')}`;
}

/** `isNew`: the store has nothing under its key. */
export function storingEvent({ ref, event }: QueuedEvent, isNew: boolean): EventChange {
  return { key: eventKey(ref), value: encodeEvent(event), ...(isNew ? { isNew } : {}) };
}

export function erasingEvent(ref: EventRef): EventChange {
  return { key: eventKey(ref), value: null };
}

export function encodeEvent(event: EventPayload): Uint8Array {
  const out = new FieldWriter(VERSION, KIND);
  const text = utf8(JSON.stringify(event));
  for (let at = 0; at < text.length; at += PIECE_OCTETS)
    out.octets(TAGS.payload, text.subarray(at, at + PIECE_OCTETS));
  return out.finish();
}

/** Of the body only what the queue itself looks at is judged. Never throws. */
export function decodeEvent(bytes: Uint8Array): Decoded<EventPayload> {
  const read = readFields(bytes, VERSION);
  if (!read.ok) return read;
  const { kind, fields } = read.value;
  if (kind !== KIND) return malformed('kind', `kind ${kind}`);
  try {
    const payload: unknown = JSON.parse(fromUtf8(concatBytes(fields.all(TAGS.payload))));
    return isEvent(payload) ? ok(payload) : malformed('payload', 'no event of this program');
  } catch {
    return malformed('payload', 'no JSON');
  }
}

function isEvent(payload: unknown): payload is EventPayload {
  if (typeof payload !== 'object' || payload === null) return false;
  const { seq, boot_id, time, type, dropped, probes } = payload as Readonly<Record<string, unknown>>;
  return (
    isCount(seq) &&
    typeof boot_id === 'string' &&
    typeof time === 'string' &&
    EVENT_TYPES.some((known) => known === type) &&
    (dropped === undefined || isCount(dropped)) &&
    (type !== 'handshake-probe' || Array.isArray(probes))
  );
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** Of all that is in the store, what is an event. */
export function readEvents(entries: Iterable<readonly [key: string, value: Uint8Array]>): StoredEvents {
  const events: QueuedEvent[] = [];
  const damaged: string[] = [];
  let lastRef = 0;
  for (const [key, value] of entries) {
    if (!key.startsWith(EVENT_PREFIX)) continue;
    const ref = Number.parseInt(key.slice(EVENT_PREFIX.length), 16);
    const event = decodeEvent(value);
    if (event.ok && key === eventKey(ref)) events.push({ ref, event: event.value });
    else damaged.push(key);
    if (key === eventKey(ref)) lastRef = Math.max(lastRef, ref);
  }
  events.sort((a, b) => a.ref - b.ref);
  return { events, damaged, lastRef };
}
