// What the accounting servers are told: one Start, interims, and exactly one Stop for every session, each durable
// before it is on the wire. The queue and its order are in accounting/journal.ts; here records are made and carried.
//
// The store is opened after the ports are locked; records that are made before that wait for it. What an earlier run left
// in it comes first: its unanswered records. Its sessions go on, or get a Stop (restoration.ts).
// Accounting-On is sent only if there was nothing of a session: it makes a server close whatever it has of us, at the
// time of the restart and for a reason of its own, where each such session has a better Stop of ours on the way.

import { AcctJournal } from '../../accounting/journal.ts';
import {
  JOURNAL_DEFAULTS,
  type JournalEffect,
  type JournalEvent,
  type RecordRef,
} from '../../accounting/journal-events.ts';
import { acctAttributes } from '../../accounting/records.ts';
import { SessionIds } from '../../accounting/session-id.ts';
import { type SessionRecord, type SpoolContent, stopOfLost } from '../../accounting/spool.ts';
import { Fifo } from '../../base/fifo.ts';
import { assertNever } from '../../base/result.ts';
import { type Instant, machineTime, NEVER } from '../../base/time.ts';
import type { AcctRecord, AcctStation, AcctStory, AcctSubject } from '../../model/acct.ts';
import { isFallback } from '../../model/authorization.ts';
import type { EndCause } from '../../model/cause.ts';
import type { Grant } from '../../model/dataplane.ts';
import { type L2Session, sessionTimeS } from '../../model/session.ts';
import type { NoAnswerReason, RequestRef } from '../../radius/effects.ts';
import type { InfoPayload } from '../../report/payloads.ts';
import type { EndDecision } from '../../session/logout.ts';
import type { Core } from '../core.ts';
import { SessionKeeper } from '../kept/session-keeper.ts';
import type { SpoolStatus } from '../ports.ts';
import type { Timed } from '../schedule.ts';
import type { SessionUnit } from '../session/session-unit.ts';

/** A record that waits for its port's counters. */
type Awaiting =
  | { readonly kind: 'interim'; readonly unit: SessionUnit }
  | { readonly kind: 'stop'; readonly unit: SessionUnit; readonly decision: EndDecision };

/** Who waits until a Stop is durable: a logout, or the end record of a session that was found dead. */
type AwaitedStop =
  | { readonly by: 'logout'; readonly grant: Grant; readonly sessionId: string }
  | { readonly by: 'start'; readonly lost: SessionRecord; readonly cause: EndCause };

interface Made {
  readonly record: AcctRecord;
  readonly awaited: AwaitedStop | undefined;
}

export class Accountant implements Timed {
  private readonly journal: AcctJournal;
  private readonly ids: SessionIds;
  private readonly keeper: SessionKeeper;
  /** Made before the store was open; undefined since then. */
  private early: Made[] | undefined = [];
  private spool: SpoolStatus = { state: 'opening', octets: 0, warnings: [] };
  private readonly stops = new Map<RecordRef, AwaitedStop>();
  private readonly awaiting: Awaiting[] = [];
  /** RADIUS requests that carry records. */
  private readonly byRequest = new Map<RequestRef, RecordRef>();
  /** What the journal wants done still. */
  private readonly wanted = new Fifo<JournalEffect>();
  private applying = false;

  constructor(private readonly core: Core) {
    this.ids = new SessionIds(core.boot.bootId);
    const { capacity } = core.config.accounting.spool;
    this.journal = new AcctJournal({ ...JOURNAL_DEFAULTS, capacity });
    this.keeper = new SessionKeeper(core, (unit, at) => this.usageOf(unit, at));
  }

  newSessionId(): string {
    return this.ids.next();
  }

  /** Records that no server has acknowledged yet. */
  get pending(): number {
    return this.journal.size + (this.early?.length ?? 0);
  }

  view(): InfoPayload['accounting'] {
    const oldest = this.journal.oldest ?? this.early?.[0]?.record.eventTime;
    const age = oldest === undefined ? null : Math.max(0, Math.round((this.core.now.wall - oldest) / 1000));
    const { state, octets } = this.spool;
    const counters = this.journal.counters.snapshot();
    return { pending: this.pending, oldest_s: age, store: state, store_octets: octets, counters };
  }

  pollAt(): Instant {
    return this.journal.pollAt();
  }

  onTime(): void {
    this.apply(this.journal.tick(this.core.now));
  }

  /**
   * The store is open, or cannot be had: then `content` is empty, and records are kept in memory. Returns what is known of
   * sessions that had not ended.
   */
  opened({ records, sessions, damaged }: SpoolContent, status: SpoolStatus): readonly SessionRecord[] {
    const { early } = this;
    if (early === undefined) return [];
    this.early = undefined;
    this.spoolStatus(status);
    if (damaged > 0) this.warn(`${damaged} damaged entries of the accounting store were passed over`);
    const stopped = new Set<string>();
    for (const { ref, record } of records) {
      if (record.kind === 'stop') stopped.add(record.subject.sessionId);
      this.tell({ type: 'recovered', ref, record });
    }
    const living = sessions.filter(({ subject }) => !stopped.has(subject.sessionId));
    if (records.length > 0 || living.length > 0) {
      this.core.out.log('info', 'accounting of an earlier run goes on', {
        records: records.length,
        sessions: living.length,
      });
    }
    if (living.length === 0 && records.every(({ record }) => !('subject' in record))) this.on();
    for (const { record, awaited } of early) this.record(record, awaited);
    this.keeper.begin();
    return living;
  }

  /** A session of an earlier run that is over: nobody has ended it. */
  lost(session: SessionRecord, cause: EndCause): void {
    this.record(stopOfLost(session, cause), { by: 'start', lost: session, cause });
  }

  /** A session of an earlier run goes on: what was stored of it holds. */
  resumed(unit: SessionUnit, knownUntil: Instant): void {
    this.keeper.resumed(unit, knownUntil);
  }

  spoolStatus(status: SpoolStatus): void {
    const before = this.spool.state;
    this.spool = status;
    for (const message of status.warnings) this.warn(message);
    if (before === 'failing' && status.state === 'durable')
      this.core.parts.reporter.warning('spool-recovered', 'accounting records are stored again', {});
    if (before !== status.state) this.core.parts.reporter.infoChanged();
  }

  /** The process ends, the sessions stay. */
  stopping(): void {
    this.keeper.keepAll();
  }

  /** Servers close what they still have of us (RFC 2866 §5.1): what happened before this start, and is not known here. */
  private on(): void {
    this.record({ kind: 'on', eventTime: this.core.boot.startedAt });
  }

  private warn(message: string): void {
    this.core.parts.reporter.warning('spool', message, {});
  }

  off(): void {
    this.record({ kind: 'off', eventTime: this.core.now.wall, cause: 'drain' });
  }

  start(unit: SessionUnit): void {
    const subject = { ...this.subjectOf(unit), story: this.storyOf(unit) };
    this.record({ kind: 'start', eventTime: this.core.now.wall, subject });
  }

  interim(unit: SessionUnit): void {
    // No server gave it what it has, and none is told of it.
    if (isFallback(unit.session.method)) return;
    if (!this.awaitCounters({ kind: 'interim', unit })) this.makeInterim(unit);
  }

  /** `life` hears when it is durable. */
  stop(unit: SessionUnit, decision: EndDecision): void {
    if (!this.awaitCounters({ kind: 'stop', unit, decision })) this.makeStop(unit, decision);
  }

  /** The port's counters that records were waiting for are in. */
  countersRead(): void {
    for (const waiting of this.awaiting.splice(0)) {
      if (waiting.kind === 'stop') this.makeStop(waiting.unit, waiting.decision);
      else this.makeInterim(waiting.unit);
    }
  }

  private awaitCounters(record: Awaiting): boolean {
    const { meter } = this.core.parts;
    if (!meter.tells(record.unit)) return false;
    this.awaiting.push(record);
    meter.request();
    return true;
  }

  private makeInterim(unit: SessionUnit): void {
    this.keeper.reported(unit);
    this.record(this.usageOf(unit, this.core.now.mono));
  }

  /** As of `at`, with the counters as they were read last. */
  private usageOf(unit: SessionUnit, at: Instant): SessionRecord {
    const counters = this.core.parts.meter.trafficOf(unit);
    return {
      kind: 'interim',
      eventTime: this.core.wall(at),
      subject: { ...this.subjectOf(unit), story: this.storyOf(unit) },
      sessionTimeS: sessionTimeS(unit.session, at),
      ...(counters === undefined ? {} : { counters }),
    };
  }

  private makeStop(unit: SessionUnit, decision: EndDecision): void {
    const { meter } = this.core.parts;
    const counters = meter.trafficOf(unit);
    meter.forget(unit);
    unit.traffic = counters;
    const record: AcctRecord = {
      kind: 'stop',
      eventTime: this.core.wall(decision.at),
      subject: this.subjectOf(unit),
      sessionTimeS: sessionTimeS(unit.session, decision.at),
      cause: decision.cause,
      ...(counters === undefined ? {} : { counters }),
      ...(decision.foreignCause === undefined ? {} : { foreignCause: decision.foreignCause }),
    };
    const { grant, id } = unit.session;
    this.record(record, { by: 'logout', grant, sessionId: id });
  }

  stored(ref: RecordRef, error: string | undefined): void {
    if (error !== undefined) this.core.out.log('debug', 'a record is not stored', { error });
    this.tell({ type: error === undefined ? 'stored' : 'store-failed', ref });
    const stop = this.stops.get(ref);
    this.stops.delete(ref);
    if (stop?.by === 'logout') this.core.parts.life.stopStored(stop.grant, stop.sessionId);
    else if (stop?.by === 'start') this.core.parts.reporter.sessionLost(stop.lost, stop.cause);
  }

  answered(request: RequestRef): void {
    const ref = this.byRequest.get(request);
    this.byRequest.delete(request);
    if (ref !== undefined) this.tell({ type: 'answered', ref });
  }

  unanswered(request: RequestRef, reason: NoAnswerReason): void {
    const ref = this.byRequest.get(request);
    this.byRequest.delete(request);
    if (ref === undefined) return;
    if (reason === 'unencodable') {
      this.core.out.log('error', 'an accounting record does not fit into a RADIUS packet and is given up');
    }
    this.tell({ type: reason === 'unencodable' ? 'unsendable' : 'unanswered', ref });
  }

  private record(record: AcctRecord, awaited?: AwaitedStop): void {
    if (this.early !== undefined) {
      this.early.push({ record, awaited });
      return;
    }
    const effects = this.journal.handle({ type: 'record', record }, this.core.now);
    const stored = effects.find((effect) => effect.type === 'store');
    if (stored !== undefined && awaited !== undefined) this.stops.set(stored.ref, awaited);
    this.apply(effects);
  }

  private tell(event: JournalEvent): void {
    this.apply(this.journal.handle(event, this.core.now));
  }

  /** In their order, and one after the other: of what is given up at once thousands may follow each other. */
  private apply(effects: readonly JournalEffect[]): void {
    for (const effect of effects) this.wanted.push(effect);
    if (this.applying) return;
    this.applying = true;
    for (let next = this.wanted.shift(); next !== undefined; next = this.wanted.shift()) this.applyOne(next);
    this.applying = false;
    this.core.schedule.touch(this);
  }

  private applyOne(effect: JournalEffect): void {
    const { out, parts } = this.core;
    const { aaa } = parts;
    switch (effect.type) {
      case 'store':
        out.ask(
          { about: 'record', record: effect.ref },
          { type: 'spool-store', id: effect.ref, record: effect.record },
        );
        return;
      case 'submit': {
        const ref = aaa.nextRequest();
        this.byRequest.set(ref, effect.ref);
        const attributes = acctAttributes(effect.record);
        aaa.sendRecord({ kind: 'accounting', ref, attributes, since: effect.since });
        return;
      }
      case 'withdraw':
        for (const [request, ref] of this.byRequest) {
          if (ref !== effect.ref) continue;
          this.byRequest.delete(request);
          aaa.withdraw(request);
        }
        return;
      case 'erase':
        out.push({ type: 'spool-erase', id: effect.ref });
        return;
      case 'refused':
        out.log('error', `an accounting ${effect.record.kind} was refused`, { reason: effect.reason });
        // Nothing will be stored, and nothing must wait for it.
        if (effect.record.kind === 'stop') this.stopRefused(effect.record.subject);
        return;
      default:
        assertNever(effect);
    }
  }

  private stopRefused({ station, ipv4, ipv6, sessionId }: AcctSubject): void {
    const ip = ipv4 ?? ipv6;
    if (station !== undefined) this.core.parts.life.stopStored({ ...station, vlan: 0 }, sessionId);
    else if (ip !== undefined) this.core.parts.life.stopStored({ ip }, sessionId);
  }

  private storyOf(unit: SessionUnit): AcctStory {
    const { session } = unit;
    const { clock } = this.core.boot;
    const { lastSeen, lastSeenBy, probesSent, probesAnswered } = unit.evidence();
    return {
      method: session.method,
      role: session.role,
      started: session.startedWall,
      ...(session.layer === 2 ? { vlan: session.grant.vlan } : {}),
      lastSeenBy,
      probesSent,
      probesAnswered,
      seenAt: machineTime(clock, lastSeen),
      ownAt: machineTime(clock, unit.ownAt),
      ...(unit.interimAt === NEVER ? {} : { interimAt: machineTime(clock, unit.interimAt) }),
    };
  }

  private subjectOf({ session }: SessionUnit): AcctSubject {
    const { authorization, addresses } = session;
    return {
      sessionId: session.id,
      multiSessionId: session.multiId,
      userName: authorization.userName,
      ...(session.layer === 2 ? { station: stationOf(session) } : {}),
      classes: authorization.classes,
      ...(authorization.cui === undefined ? {} : { cui: authorization.cui }),
      ...(addresses.ipv4 === undefined ? {} : { ipv4: addresses.ipv4 }),
      ...(addresses.ipv6 === undefined ? {} : { ipv6: addresses.ipv6 }),
    };
  }
}

function stationOf({ mac, grant, nasPort, calledStation }: L2Session): AcctStation {
  return { mac, port: grant.port, nasPort, calledStation };
}
