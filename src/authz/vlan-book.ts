// Who holds which VLAN of which port, what follows from that for the ports, and the way back.
//
// A plain bridge puts untagged frames into the port's one VLAN (its PVID), so that one belongs to the port: the first
// session that needs it holds it as long as it lasts, and who wants another one meanwhile is a rival. Tagged VLANs are
// each session's own. A backend that classifies by MAC (`macVlan`) has no rivals.
//
// Whatever is changed is noted first as it was found (`memory`), and goes back to that when nobody needs it any more: what
// an administrator changes elsewhere on the port meanwhile is not touched, and what he sets where it was before us is what it goes
// back to (`heed`). A VLAN that the bridge does not have is made
// by its first session where that is allowed, and taken away after the last.
// Bound: one note a VLAN and port that differ from what was found.

import type { PortName, SessionVlans, VlanChange, VlanId, VlanMap, VlanMember } from '../model/dataplane.ts';
import { VlanHolds } from './vlan-holds.ts';
import { applied, hasOwn, isGiven, type Membership, rank, sameMember, sameMembers } from './vlan-members.ts';
import { vlansOf } from './vlan-plan.ts';

export interface VlanSettings {
  /** A VLAN that the bridge does not have is made. */
  readonly create: boolean;
  /** One that is made is tagged on the uplinks, too. */
  readonly uplinks: boolean;
}

/** What a port, or the bridge itself (undefined), was in a VLAN before it was changed; `member` absent = not in it. */
export interface FoundVlan {
  readonly port?: PortName;
  readonly vlan: VlanId;
  readonly member?: { readonly pvid: boolean; readonly untagged: boolean };
}

/** The same, as it is kept where a kill does not reach it: the name of a port may be another one's by then. */
export interface KeptVlan extends FoundVlan {
  readonly ifindex?: number;
}

type Place = PortName | undefined;

const NOTHING: VlanMap = { filtering: false, bridge: [], ports: new Map() };
const TAGGED: Membership = { pvid: false, untagged: false };

export class VlanBook<Holder> {
  private map: VlanMap = NOTHING;
  private readonly holds = new VlanHolds<Holder>();
  private readonly found = new Map<string, FoundVlan>();

  private readonly uplinks = new Set<PortName>();
  /** The data plane puts untagged frames into the VLAN of their MAC's entry. */
  macVlan = false;

  constructor(private settings: VlanSettings) {}

  configure(settings: VlanSettings): void {
    this.settings = settings;
  }

  get filtering(): boolean {
    return this.map.filtering;
  }

  /** The bridge as it is now; places that are otherwise than they were seen, or made, last. */
  see(map: VlanMap): ReadonlySet<Place> {
    const before = new Map(this.places().map((place) => [place, this.members(place)]));
    for (const port of this.heldPorts()) this.noteLost(port, map.ports.get(port));
    this.map = map;
    const others = this.places().filter(
      (place) => !sameMembers(before.get(place) ?? [], this.members(place)),
    );
    return new Set(others);
  }

  members(place: Place): readonly VlanMember[] {
    return place === undefined ? this.map.bridge : (this.map.ports.get(place) ?? []);
  }

  /** The bridge's own VLAN of untagged frames: where its own addresses are. */
  get bridgeNative(): VlanId | undefined {
    return this.map.bridge.find(({ pvid }) => pvid)?.vlan;
  }

  /** The port's VLAN of untagged frames, as it was found. */
  native(port: PortName): VlanId | undefined {
    return [...this.asFound(port)].find(([, member]) => member?.pvid)?.[0];
  }

  /** The bridge or one of its ports had it before us; or it may be made. */
  exists(vlan: VlanId): boolean {
    if (this.settings.create) return true;
    return this.places().some((place) => this.asFound(place).get(vlan) !== undefined);
  }

  // Holds.

  vlansOf(holder: Holder): SessionVlans | undefined {
    return this.holds.get(holder)?.vlans;
  }

  /** Those on the port who cannot have their VLANs while somebody has these. */
  rivals(port: PortName, vlans: SessionVlans): readonly Holder[] {
    const rivals: Holder[] = [];
    for (const [holder, hold] of this.holds.onPort(port)) {
      const former = hold.former !== undefined && this.collide(hold.former, vlans);
      if (former || this.collide(hold.vlans, vlans)) rivals.push(holder);
    }
    return rivals;
  }

  hold(holder: Holder, port: PortName, vlans: SessionVlans): void {
    this.holds.put(holder, { port, vlans });
  }

  /** The session has other VLANs from now on, and the former ones until `settle`. */
  change(holder: Holder, vlans: SessionVlans): void {
    const hold = this.holds.get(holder);
    if (hold !== undefined) this.holds.put(holder, { port: hold.port, vlans, former: hold.vlans });
  }

  /** The former VLANs are needed no more; `back`: the new ones are not, after all. */
  settle(holder: Holder, back = false): void {
    const hold = this.holds.get(holder);
    if (hold?.former === undefined) return;
    this.holds.put(holder, { port: hold.port, vlans: back ? hold.former : hold.vlans });
  }

  /** `to` is in the other's place, on the same port with the same VLANs. */
  handOver(from: Holder, to: Holder): void {
    const hold = this.holds.remove(from);
    if (hold !== undefined) this.holds.put(to, hold);
  }

  /** The port on which it held something. */
  release(holder: Holder): PortName | undefined {
    return this.holds.remove(holder)?.port;
  }

  // From what is held to what is to be done.

  /** What brings the port (and what was made for it) to what it should be; notes what it changes. */
  changes(port: PortName): readonly VlanChange[] {
    if (!this.map.filtering && this.found.size === 0) return [];
    const making = this.making();
    // An uplink has what is made, and nothing of its own.
    const ports = this.map.ports.has(port) && !this.uplinks.has(port) ? [port] : [];
    const around = this.places().filter((place) => place === undefined || this.isMadeOn(place));
    return [
      ...around.flatMap((place) => this.changesOf(place, making)),
      ...ports.flatMap((place) => this.changesOf(place, this.wantedOf(place))),
    ];
  }

  /** They are done. */
  done(changes: readonly VlanChange[]): void {
    const ports = new Map(this.map.ports);
    let { bridge } = this.map;
    for (const change of changes) {
      if (change.port === undefined) bridge = applied(bridge, change);
      else ports.set(change.port, applied(ports.get(change.port) ?? [], change));
    }
    this.map = { ...this.map, bridge, ports };
    this.forgetDone();
  }

  /** What is as it was found, and nobody needs otherwise, needs no note. */
  forgetDone(port?: PortName): void {
    for (const [key, note] of this.found) {
      if (port !== undefined && note.port !== port) continue;
      const now = this.now(note.port).get(note.vlan);
      if (sameMember(now, note.member) && !this.isWanted(note)) this.found.delete(key);
    }
  }

  /** The port is gone; what was changed on it is no more our concern. */
  portGone(port: PortName): void {
    for (const [key, note] of this.found) if (note.port === port) this.found.delete(key);
    const ports = new Map(this.map.ports);
    ports.delete(port);
    this.map = { ...this.map, ports };
  }

  /** The bridge is gone, and with it whatever was changed on it and its ports. */
  bridgeGone(): void {
    this.found.clear();
    this.map = NOTHING;
  }

  /** VLANs that the port is to leave again: it is in them by our hand alone, and nobody needs them. */
  toLeave(port: PortName): readonly VlanId[] {
    const now = this.now(port);
    return this.notesOf(port)
      .filter((note) => note.member === undefined && !this.isWanted(note))
      .map(({ vlan }) => vlan)
      .filter((vlan) => now.get(vlan) !== undefined);
  }

  /**
   * Somebody else has changed the port: what it is given where it was before us is what it goes back to, and where it is given
   * another VLAN of its own, the former is given up. Where it is by our hand alone, it stays so. True if a note is another one now.
   */
  heed(port: PortName): boolean {
    const now = this.now(port);
    const wanted = this.wantedOf(port);
    const lost = hasOwn(this.members(port)) ? [] : this.heldOn(port);
    let heeded = false;
    for (const { vlan, member: found } of this.notesOf(port)) {
      const member = now.get(vlan);
      if (found === undefined || member === undefined || !isGiven(member, [found, wanted.get(vlan)]))
        continue;
      if (found.pvid && lost.includes(vlan)) continue;
      this.noteDown(port, vlan, member);
      heeded = true;
    }
    return this.giveUpFormer(port, wanted) || heeded;
  }

  /**
   * A port that has no VLAN of its own any more is in the midst of being changed (`see`): what its sessions are in and was not changed by
   * us is noted as it was before. Given back it would look as it was set by us, and nobody could tell.
   */
  private noteLost(port: PortName, members: readonly VlanMember[] | undefined): void {
    if (members === undefined || hasOwn(members) || !hasOwn(this.members(port))) return;
    const before = this.now(port);
    for (const vlan of this.heldOn(port)) {
      const member = before.get(vlan);
      const isGone = !members.some((each) => each.vlan === vlan);
      if (member !== undefined && (member.pvid || isGone)) this.note(port, vlan, member);
    }
  }

  private heldOn(port: PortName): readonly VlanId[] {
    return [...this.holds.onPort(port).values()].flatMap(({ vlans }) => vlansOf(vlans));
  }

  /** A port has one VLAN of its own: with another one, which is none of ours, that of before is not gone back to. */
  private giveUpFormer(port: PortName, wanted: ReadonlyMap<VlanId, Membership>): boolean {
    const own = this.members(port).find(({ pvid }) => pvid)?.vlan;
    if (own === undefined || wanted.get(own)?.pvid) return false;
    const notes = this.notesOf(port);
    // As it was made by us, or as it was before.
    if (notes.some(({ vlan, member }) => vlan === own && !member?.pvid)) return false;
    const former = notes.filter(({ vlan, member }) => vlan !== own && member?.pvid);
    for (const { vlan } of former) this.noteDown(port, vlan, undefined);
    return former.length > 0;
  }

  /** Somebody holds something there, or it is not as it was found. */
  concerns(port: PortName): boolean {
    return this.holds.onPort(port).size > 0 || this.notesOf(port).length > 0;
  }

  private notesOf(place: Place): readonly FoundVlan[] {
    return [...this.found.values()].filter(({ port }) => port === place);
  }

  /** Ports on which somebody holds something. */
  heldPorts(): ReadonlySet<PortName> {
    return this.holds.ports();
  }

  /** To be kept where a kill does not reach it, before the changes that it is about are made. */
  memory(): readonly FoundVlan[] {
    return [...this.found.values()];
  }

  /** What an earlier life of ours, or a port of another name, has left behind; the ports it is about. */
  remember(memory: readonly FoundVlan[]): readonly PortName[] {
    for (const { port, vlan, member } of memory) this.noteDown(port, vlan, member);
    const ports = [...new Set(memory.flatMap(({ port }) => (port === undefined ? [] : [port])))];
    for (const port of ports) this.giveUpFormer(port, new Map());
    return ports;
  }

  // Reading.

  /** They cannot both be on one port. */
  collide(a: SessionVlans, b: SessionVlans): boolean {
    const crossed =
      (a.untagged !== undefined && b.tagged.includes(a.untagged)) ||
      (b.untagged !== undefined && a.tagged.includes(b.untagged));
    if (crossed) return true;
    if (this.macVlan || a.untagged === undefined || b.untagged === undefined) return false;
    return a.untagged !== b.untagged;
  }

  private places(): readonly Place[] {
    return [undefined, ...this.map.ports.keys()];
  }

  private now(place: Place): ReadonlyMap<VlanId, Membership> {
    return new Map(this.members(place).map(({ vlan, pvid, untagged }) => [vlan, { pvid, untagged }]));
  }

  private asFound(place: Place): ReadonlyMap<VlanId, Membership> {
    const members = new Map(this.now(place));
    for (const { port, vlan, member } of this.found.values()) if (port === place) members.set(vlan, member);
    return members;
  }

  /**
   * VLANs that exist by our hand alone, and that somebody needs: on the bridge, and tagged on the uplinks. One that somebody has taken
   * away everywhere meanwhile is not made where none may be.
   */
  private making(): ReadonlyMap<VlanId, Membership> {
    const wanted = new Map<VlanId, Membership>();
    for (const vlan of this.holds.vlans()) {
      const mayBe = this.settings.create || this.found.has(keyOf(undefined, vlan));
      if (vlan !== 0 && mayBe && !this.places().some((place) => this.asFound(place).get(vlan) !== undefined))
        wanted.set(vlan, TAGGED);
    }
    return wanted;
  }

  /** Whether it is one of the ports that are not ours to authenticate on. */
  markUplink(port: PortName, yes: boolean): void {
    if (yes) this.uplinks.add(port);
    else this.uplinks.delete(port);
  }

  private isMadeOn(place: PortName): boolean {
    if (!this.uplinks.has(place)) return false;
    if (this.settings.uplinks) return true;
    return this.notesOf(place).length > 0;
  }

  /** What sessions need of a port where that is not what was found. */
  private wantedOf(port: PortName): ReadonlyMap<VlanId, Membership> {
    const wanted = new Map<VlanId, Membership>();
    const found = this.asFound(port);
    const holds = [...this.holds.onPort(port).values()];
    const native = this.native(port);
    for (const { vlans } of holds) {
      const { untagged } = vlans;
      if (untagged === undefined || untagged === native || untagged === 0) continue;
      wanted.set(untagged, { pvid: !this.macVlan, untagged: true });
      if (this.macVlan) continue;
      // Who is in this VLAN is not to hear the others' broadcasts.
      for (const [vlan, member] of found)
        if (member?.untagged && !wanted.has(vlan)) wanted.set(vlan, undefined);
    }
    for (const { vlans, former } of holds) {
      for (const vlan of [...vlans.tagged, ...(former?.tagged ?? [])])
        if (found.get(vlan) === undefined) wanted.set(vlan, TAGGED);
      const before = former?.untagged;
      if (before !== undefined && before !== 0 && before !== vlans.untagged)
        wanted.set(before, { pvid: false, untagged: true });
    }
    return wanted;
  }

  private isWanted({ port, vlan }: FoundVlan): boolean {
    const isOurs = port !== undefined && !this.uplinks.has(port);
    return (isOurs ? this.wantedOf(port) : this.making()).has(vlan);
  }

  private changesOf(place: Place, wanted: ReadonlyMap<VlanId, Membership>): readonly VlanChange[] {
    const now = this.now(place);
    const found = this.asFound(place);
    const noted = this.notesOf(place).map(({ vlan }) => vlan);
    const changes: VlanChange[] = [];
    for (const vlan of new Set([...wanted.keys(), ...noted])) {
      const member = wanted.has(vlan) ? wanted.get(vlan) : found.get(vlan);
      if (sameMember(member, now.get(vlan))) continue;
      this.note(place, vlan, now.get(vlan));
      changes.push({ port: place, vlan, member });
    }
    // What is there first, so that a port is never without a VLAN in between; the PVID before whatever gives it up.
    return changes.sort((a, b) => rank(a) - rank(b));
  }

  private note(port: Place, vlan: VlanId, member: Membership): void {
    if (!this.found.has(keyOf(port, vlan))) this.noteDown(port, vlan, member);
  }

  private noteDown(port: Place, vlan: VlanId, member: Membership): void {
    const about = port === undefined ? { vlan } : { port, vlan };
    this.found.set(keyOf(port, vlan), member === undefined ? about : { ...about, member });
  }
}

function keyOf(port: Place, vlan: VlanId): string {
  return `${port ?? ''} ${vlan}`;
}
