// What the store holds, and what a record changes in it.
//
//   r REF       a record that no server has acknowledged yet, by its number in the journal
//   s SESSION   a session that is under way: its Start, or what was last known of it (in the form of an interim)
//   u SESSION   what else it takes to go on with it after a restart (session/kept-codec.ts)
//   l LOGIN     a login at a concentrator, with a session or not (radius/sso-login-codec.ts)
//   e REF       an event that the broker has not acknowledged yet (report/event-codec.ts)
//
// A Start writes the first two, and so does an interim; a Stop writes the first and erases the others; each in one transaction. So whenever the agent is
// torn away, a session is in the store as living, or its Stop is, or a server has acknowledged its Stop: never two of
// them, never none. A record that is acknowledged is erased; being erased late costs a repetition, not a loss.

import { assertNever } from '../base/result.ts';
import type { AcctRecord } from '../model/acct.ts';
import type { EndCause } from '../model/cause.ts';
import { EVENT_PREFIX, KEPT_PREFIX, LOGIN_PREFIX } from '../model/kept.ts';
import type { RecordRef } from './journal-events.ts';
import { decodeRecord, encodeRecord } from './record-codec.ts';

/** One entry of the store: written, or (`value` null) erased. */
export interface SpoolChange {
  readonly key: string;
  readonly value: Uint8Array | null;
  /** The store has nothing under this key. */
  readonly isNew?: true;
}

/** The last that is known of a session. */
export type SessionRecord = Extract<AcctRecord, { readonly kind: 'start' | 'interim' }>;

export interface StoredRecord {
  readonly ref: RecordRef;
  readonly record: AcctRecord;
}

/** What an earlier run left. */
export interface SpoolContent {
  /** Oldest first. */
  readonly records: readonly StoredRecord[];
  readonly sessions: readonly SessionRecord[];
  /** Entries that could not be read. */
  readonly damaged: number;
}

export const EMPTY_SPOOL: SpoolContent = { records: [], sessions: [], damaged: 0 };

const REF_DIGITS = 12;
/** Read by their own codecs. */
const OTHERS = [KEPT_PREFIX, LOGIN_PREFIX, EVENT_PREFIX];

function recordKey(ref: RecordRef): string {
  return `r${ref.toString(16).padStart(REF_DIGITS, '0')}`;
}

function sessionKey(sessionId: string): string {
  return `s${sessionId}`;
}

/** All in one transaction. */
export function storing({ ref, record }: StoredRecord): readonly SpoolChange[] {
  const written: SpoolChange = { key: recordKey(ref), value: encodeRecord(record), isNew: true };
  switch (record.kind) {
    case 'start':
      return [written, { ...written, key: sessionKey(record.subject.sessionId) }];
    case 'stop':
      return [
        written,
        { key: sessionKey(record.subject.sessionId), value: null },
        { key: `${KEPT_PREFIX}${record.subject.sessionId}`, value: null },
      ];
    case 'interim':
      // What a server was told of is known: a Stop made of it is not earlier.
      return [written, { key: sessionKey(record.subject.sessionId), value: written.value }];
    case 'on':
    case 'off':
      return [written];
    default:
      return assertNever(record);
  }
}

export function erasing(ref: RecordRef): SpoolChange {
  return { key: recordKey(ref), value: null };
}

/** What is known of a living session now. */
export function keeping(last: SessionRecord): SpoolChange {
  return { key: sessionKey(last.subject.sessionId), value: encodeRecord(last) };
}

/** Never throws, whatever the entries are. */
export function readSpool(entries: Iterable<readonly [key: string, value: Uint8Array]>): SpoolContent {
  const records: StoredRecord[] = [];
  const sessions: SessionRecord[] = [];
  let damaged = 0;
  for (const [key, value] of entries) {
    if (OTHERS.some((prefix) => key.startsWith(prefix))) continue;
    const decoded = decodeRecord(value);
    const ref = Number.parseInt(key.slice(1), 16);
    if (!decoded.ok) damaged++;
    else if (key.startsWith('s') && (decoded.value.kind === 'start' || decoded.value.kind === 'interim'))
      sessions.push(decoded.value);
    else if (key.startsWith('r') && ref > 0) records.push({ ref, record: decoded.value });
    else damaged++;
  }
  records.sort((a, b) => a.ref - b.ref);
  return { records, sessions, damaged };
}

/** The Stop of a session that nobody ended, since the agent was not there any more: at its last sign of life. */
export function stopOfLost(
  last: SessionRecord,
  cause: EndCause,
): Extract<AcctRecord, { readonly kind: 'stop' }> {
  const { eventTime, subject } = last;
  const sessionTimeS = last.kind === 'interim' ? last.sessionTimeS : 0;
  const counters = last.kind === 'interim' ? last.counters : undefined;
  return {
    kind: 'stop',
    eventTime,
    subject,
    sessionTimeS,
    cause,
    ...(counters === undefined ? {} : { counters }),
  };
}
