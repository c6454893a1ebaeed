// VLANs of ports, as sessions come and go: what is asked for is judged against the bridge as it is (authz/vlan-plan.ts),
// held in a book (authz/vlan-book.ts), and made so in the data plane, one port's change at a time.
//
//   ask ─▶ the bridge is read (vlan-readings.ts) ─▶ a plan, or why not ─▶ place ─▶ noted on disk, set, read back ─▶ answered
//   free ─▶ the port goes back to what was found (vlan-notes.ts), for ever if need be
//   read, and it is otherwise than it was placed: somebody else's doing (vlan-repairs.ts) ─▶ set again
//
// On a bridge that does not filter VLANs nothing is read, set or noted.

import { type KeptVlan, VlanBook } from '../../authz/vlan-book.ts';
import { named } from '../../authz/vlan-names.ts';
import { planVlans, type VlanRefusal, type VlanWish } from '../../authz/vlan-plan.ts';
import type { Result } from '../../base/result.ts';
import { retryDelay } from '../../base/retry.ts';
import { after, earliest, type Instant } from '../../base/time.ts';
import { isUplink } from '../../config/ports.ts';
import type { PortName, SessionVlans, VlanChange, VlanId, VlanReading } from '../../model/dataplane.ts';
import type { Core } from '../core.ts';
import type { Timed } from '../schedule.ts';
import type { Holder } from '../session/session-unit.ts';
import { VlanNotes } from './vlan-notes.ts';
import { VlanReadings } from './vlan-readings.ts';
import { VlanRepairs } from './vlan-repairs.ts';

interface Asked {
  readonly port: PortName;
  readonly wish: VlanWish;
  readonly answer: (plan: Result<SessionVlans, VlanRefusal>) => void;
}

/** One port's changes that the data plane works on, and who waits for them. */
interface Work {
  readonly changes: readonly VlanChange[];
  readonly placing: readonly Placing[];
}

interface Placing {
  readonly answer: (error: string | undefined) => void;
}

interface Retry {
  readonly tries: number;
  readonly at: Instant;
}

export class VlanDesk implements Timed {
  timer: Timed['timer'];
  private readonly book: VlanBook<Holder>;
  private asking: Asked[] = [];
  /** The bridge may filter otherwise than it did. */
  private stale = true;
  private readonly work = new Map<PortName, Work>();
  private readonly placing = new Map<PortName, Placing[]>();
  private readonly retries = new Map<PortName, Retry>();
  private readonly waiting = new Map<PortName, (() => void)[]>();
  private readonly readings: VlanReadings;
  private readonly notes: VlanNotes;
  private readonly repairs: VlanRepairs;

  constructor(private readonly core: Core) {
    this.readings = new VlanReadings(core);
    this.repairs = new VlanRepairs(core);
    this.book = new VlanBook(core.config.vlan);
    this.notes = new VlanNotes(core, this.book, {
      isChanging: (port) => this.isChanging(port),
      putBack: (port) => this.reconcileAll(port),
    });
  }

  /** `found`: what an earlier life of ours left changed; it is put back, on a port that has another name by now, too. */
  boot(map: VlanReading, found: readonly KeptVlan[], macVlan: boolean): void {
    this.book.macVlan = macVlan;
    this.see(map);
    this.notes.boot(found);
  }

  /** The table was read, and the removal of entries that nobody was given has begun. */
  tableRead(): void {
    this.notes.tryAll();
  }

  /** An entry on this port is gone. */
  revoked(port: PortName): void {
    this.notes.tryNow(port);
  }

  /** One of them will not go for now: whoever waits for the port is not to wait for ever. */
  revokeFailed(port: PortName, error: string): void {
    if (!this.notes.isRestoring(port)) return;
    const waiting = this.placing.get(port) ?? [];
    this.placing.delete(port);
    for (const { answer } of waiting) answer(`an entry of before is not gone from the port yet: ${error}`);
  }

  /** Its notes, too: a kill, or a failure, may have come before a change that was noted, or between one that was undone and the end of its note. */
  private reconcileAll(port: PortName): void {
    this.reconcile(port);
    if (!this.work.has(port) && !this.readings.isUnderWay)
      this.notes.noting(() => this.book.forgetDone(port));
  }

  configure(): void {
    this.book.configure(this.core.config.vlan);
  }

  pollAt(): Instant {
    let at = this.readings.pollAt();
    for (const retry of this.retries.values()) at = earliest(at, retry.at);
    return at;
  }

  onTime(now: Instant): void {
    this.readings.onTime(now);
    for (const [port, { at }] of this.retries) if (at <= now) this.reconcileAll(port);
  }

  get filtering(): boolean {
    return this.book.filtering;
  }

  /** The port's VLAN of untagged frames now, and those that are tagged. */
  of(port: PortName): SessionVlans {
    const members = this.book.members(port);
    return {
      untagged: members.find(({ pvid }) => pvid)?.vlan,
      tagged: members.filter(({ untagged }) => !untagged).map(({ vlan }) => vlan),
    };
  }

  /** The bridge's own: where the addresses of the bridge itself are. */
  get bridgeNative(): VlanId | undefined {
    return this.book.bridgeNative;
  }

  /** Perhaps at once, perhaps in a later turn. */
  ask(port: PortName, wish: VlanWish, answer: Asked['answer']): void {
    if (this.stale || this.book.filtering) {
      this.asking.push({ port, wish, answer });
      this.readings.read();
    } else answer(this.plan(port, wish));
  }

  /** The bridge is read, or why it cannot be. */
  readDone(map: VlanReading | undefined, error: string | undefined): void {
    const ofJoined = this.readings.answered(map !== undefined);
    this.core.schedule.touch(this);
    if (map !== undefined) {
      const others = this.notes.noting(() => this.see(map));
      this.notes.takeBack();
      this.putRight(others, ofJoined || this.readings.hasJoined);
    }
    const asked = this.asking;
    this.asking = [];
    for (const { port, wish, answer } of asked) {
      answer(
        map === undefined
          ? { ok: false, error: { code: 'vlan-absent', message: error ?? 'the VLANs cannot be read' } }
          : this.plan(port, wish),
      );
    }
    // What is held needs an uplink that has just joined, too; a port that is tried again soon has its turn then.
    if (ofJoined && map !== undefined)
      for (const port of this.book.heldPorts()) if (!this.retries.has(port)) this.reconcile(port);
    this.readings.next();
  }

  /** Somebody holds something there, or it is not as it was found. */
  concerns(port: PortName): boolean {
    return this.book.filtering && this.book.concerns(port);
  }

  /** Whether ports are as they were placed. */
  look(): void {
    if (this.book.filtering && this.book.heldPorts().size > 0) this.readings.readAnew();
  }

  /**
   * These (undefined: the bridge itself) are otherwise than the book had them: those that are held are set again. `joins`: a port has joined,
   * and what is made is made on it, too, which is nobody's doing.
   */
  private putRight(others: ReadonlySet<PortName | undefined>, joins: boolean): void {
    const held = this.book.heldPorts();
    // What is made for sessions is made with any port's changes; while one is tried again nobody knows whose doing it is.
    const isMadeOn = (place: PortName | undefined): boolean => place === undefined || !held.has(place);
    const isTold = !joins && this.retries.size === 0 && [...others].some(isMadeOn);
    const [any] = isTold ? [...held].filter((port) => !this.isBusy(port)) : [];
    for (const port of held) {
      if (this.isBusy(port) || (port !== any && !others.has(port))) continue;
      if (this.book.heed(port)) this.notes.keep();
      const changes = this.reconcile(port);
      if (changes.length > 0) this.repairs.tell(port, changes);
    }
  }

  /** What is done about it goes on by itself. */
  private isBusy(port: PortName): boolean {
    return this.work.has(port) || this.retries.has(port) || this.notes.isRestoring(port);
  }

  /** The next question looks at the bridge anew. */
  doubt(): void {
    this.stale = true;
  }

  /** It may be another one than before, or the first. */
  bridgeBack(macVlan: boolean): void {
    this.book.macVlan = macVlan;
    this.doubt();
    this.readings.read();
  }

  heldBy(holder: Holder): SessionVlans | undefined {
    return this.book.vlansOf(holder);
  }

  /** They cannot both be on one port. */
  collide(a: SessionVlans, b: SessionVlans): boolean {
    return this.book.collide(a, b);
  }

  rivals(port: PortName, vlans: SessionVlans): readonly Holder[] {
    return this.book.rivals(port, vlans);
  }

  /** Once somebody has given up what it held on this port. */
  whenFree(port: PortName, run: () => void): void {
    this.waiting.set(port, [...(this.waiting.get(port) ?? []), run]);
  }

  /** The holder has these from now on; answered when the port is so. */
  place(holder: Holder, port: PortName, vlans: SessionVlans, answer: Placing['answer']): void {
    this.book.hold(holder, port, vlans);
    this.reconcile(port, { answer });
  }

  /** A session of an earlier run holds them still. */
  resume(holder: Holder, port: PortName, vlans: SessionVlans): void {
    this.book.hold(holder, port, vlans);
    this.reconcile(port);
  }

  /** The same, of a session that has others: those stay until `settle`. */
  change(holder: Holder, port: PortName, vlans: SessionVlans, answer: Placing['answer']): void {
    this.book.change(holder, vlans);
    this.reconcile(port, { answer });
  }

  settle(holder: Holder, port: PortName, back = false): void {
    this.book.settle(holder, back);
    this.freed(port);
  }

  handOver(from: Holder, to: Holder): void {
    this.book.handOver(from, to);
  }

  /** It holds nothing any more: the port goes back, as far as nobody else needs it. */
  free(holder: Holder): void {
    const port = this.book.release(holder);
    if (port !== undefined) this.freed(port);
  }

  /** Whoever waits for VLANs of this port looks again. */
  freed(port: PortName): void {
    this.reconcile(port);
    const waiting = this.waiting.get(port) ?? [];
    this.waiting.delete(port);
    for (const run of waiting) run();
  }

  /** The data plane's answer to `set-vlans`. */
  done(port: PortName, error: string | undefined): void {
    const work = this.work.get(port);
    if (work === undefined) return;
    this.work.delete(port);
    if (error !== undefined) {
      this.failed(port, work, error);
      return;
    }
    if (this.retries.delete(port))
      this.core.out.log('info', 'the VLANs of the port are as they should be', { port });
    this.notes.noting(() => this.book.done(work.changes));
    this.placing.set(port, [...work.placing, ...(this.placing.get(port) ?? [])]);
    this.reconcile(port);
    this.core.parts.reporter.portChanged(port);
  }

  portAdded(): void {
    if (this.book.filtering || this.notes.hasLeft) this.readings.portJoined();
  }

  /** Before its ports are. It may be there still by another name, and get its own back. */
  bridgeGone(): void {
    this.doubt();
    this.notes.bridgeGone();
  }

  /** Before anything else hears that it is gone: nothing is to be set any more by a name that may be another port's. */
  leaving(port: PortName, ifindex: number | undefined): void {
    this.notes.leaving(port, ifindex);
  }

  private isChanging(port: PortName): boolean {
    if (this.retries.has(port)) return true;
    return [...this.work.values()].some(({ changes }) => changes.some((change) => change.port === port));
  }

  /** All ports were read, and are known. */
  portsRead(): void {
    this.notes.portsRead();
  }

  portGone(port: PortName): void {
    this.notes.portGone(port);
    this.repairs.portGone(port);
    this.retries.delete(port);
    this.work.delete(port);
    this.placing.delete(port);
    this.freed(port);
  }

  /** What is otherwise than the book had it. */
  private see(reading: VlanReading): ReadonlySet<PortName | undefined> {
    const map = named(reading, this.core.parts.bridge.known);
    this.stale = false;
    const others = this.book.see(map);
    for (const name of map.ports.keys()) {
      this.book.markUplink(name, isUplink(this.core.config, name));
    }
    for (const port of others) if (port !== undefined) this.core.parts.reporter.portChanged(port);
    return others;
  }

  /** As the bridge was when it was read last. */
  plan(port: PortName, wish: VlanWish): Result<SessionVlans, VlanRefusal> {
    const { config, settings } = this.core;
    return planVlans(wish, {
      filtering: this.book.filtering,
      names: config.vlans,
      native: this.book.native(port),
      voiceVlan: settings.port(port).fallbacks.voiceVlan,
      exists: (vlan) => this.book.exists(vlan),
    });
  }

  /** What is being changed for that, if it was not at work already. */
  private reconcile(port: PortName, placing?: Placing): readonly VlanChange[] {
    const wanted = [...(this.placing.get(port) ?? []), ...(placing === undefined ? [] : [placing])];
    if (this.work.has(port) || this.notes.isRestoring(port)) {
      this.placing.set(port, wanted);
      return [];
    }
    this.placing.delete(port);
    const before = this.book.memory().length;
    const changes = this.book.changes(port);
    if (changes.length === 0) {
      this.retries.delete(port);
      for (const { answer } of wanted) answer(undefined);
    } else {
      // Before anything is changed: a kill between the two leaves a note too many, never one too few.
      if (this.book.memory().length !== before) this.notes.keep();
      this.work.set(port, { changes, placing: wanted });
      this.core.out.ask({ about: 'vlans', port }, { type: 'set-vlans', port, changes });
    }
    this.core.schedule.touch(this);
    return changes;
  }

  private failed(port: PortName, { changes, placing }: Work, error: string): void {
    const { life, ports, reporter } = this.core.parts;
    const tries = (this.retries.get(port)?.tries ?? 0) + 1;
    // Who knows how far it got.
    this.readings.read();
    if (placing.length === 0) reporter.warning('vlan', error, { port });
    for (const { answer } of placing) answer(error);
    // Also where nobody wants it any more: by what was read before, there would be nothing to do.
    this.retries.set(port, { tries, at: after(this.core.now.mono, retryDelay(tries)) });
    this.core.schedule.touch(this);
    // An open port (multi-host) leads anybody into whatever VLANs it is in: shut with the end of its session. A locked one leads nobody there.
    const isOfPort = changes.some((change) => change.port === port);
    if (placing.length === 0 && isOfPort && ports.isOpened(port))
      life.endOnPort(port, { cause: 'nas-error', detail: error });
  }
}
