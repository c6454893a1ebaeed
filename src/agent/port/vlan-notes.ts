// What ports were before we changed their VLANs, noted on disk before each change; and the way back of what an earlier life of ours
// has left changed, or a port that has another name by now (left-vlans.ts): when sessions of before are settled, and no entry that
// is to go stands in a VLAN that the port is to leave.

import type { KeptVlan, VlanBook } from '../../authz/vlan-book.ts';
import { ofPorts } from '../../authz/vlan-names.ts';
import { present } from '../../base/present.ts';
import type { PortName } from '../../model/dataplane.ts';
import type { Core } from '../core.ts';
import { LeftVlans } from './left-vlans.ts';

interface Desk {
  /** A change of it is on its way, or nobody knows what came of one. */
  readonly isChanging: (port: PortName) => boolean;
  /** As the book has it now: nothing stands in the way. */
  readonly putBack: (port: PortName) => void;
}

export class VlanNotes {
  /** Ports as an earlier life of ours left them, until its entries on them are gone. */
  private readonly restoring = new Set<PortName>();
  private readonly left = new LeftVlans();

  constructor(
    private readonly core: Core,
    private readonly book: VlanBook<object>,
    private readonly desk: Desk,
  ) {}

  /** What an earlier life of ours left changed; the bridge is read. */
  boot(found: readonly KeptVlan[]): void {
    const { bridge } = this.core.parts;
    const notes = ofPorts(found, (ifindex) => bridge.nameOf(ifindex));
    for (const port of this.book.remember(notes)) this.restoring.add(port);
    if (notes.length !== found.length || notes.some(({ port }, i) => port !== found[i]?.port)) this.keep();
  }

  /** It is not as the book has it yet, and must not be changed. */
  isRestoring(port: PortName): boolean {
    return this.restoring.has(port);
  }

  tryAll(): void {
    for (const port of this.restoring) this.tryNow(port);
  }

  /** Sessions of before first: one may need them still. Then entries: the kernel does not let go of one in a VLAN that its port has left. */
  tryNow(port: PortName): void {
    if (!this.restoring.has(port)) return;
    const { life, restoration } = this.core.parts;
    if (!restoration.settled || life.isRevoking(port) || life.isLeavingIn(port, this.book.toLeave(port)))
      return;
    this.restoring.delete(port);
    this.desk.putBack(port);
  }

  /** Ports that are there again, by whatever name, and still as we left them. */
  takeBack(): void {
    const { bridge } = this.core.parts;
    const notes = this.left.back(
      (ifindex) => bridge.nameOf(ifindex),
      (port) => this.book.members(port),
    );
    if (notes === undefined) return;
    const names = this.book.remember(notes);
    this.keep();
    for (const port of names) {
      this.restoring.add(port);
      this.tryNow(port);
    }
  }

  /** Of a port that is not there by the name that it had. */
  get hasLeft(): boolean {
    return this.left.memory().length > 0;
  }

  /** Before its ports are. */
  bridgeGone(): void {
    const before = this.book.memory();
    for (const { port } of before)
      if (port !== undefined) this.leave(port, this.core.parts.bridge.indexOf(port));
    this.book.bridgeGone();
    if (before.length > 0) this.keep();
  }

  leaving(port: PortName, ifindex: number | undefined): void {
    this.noting(() => this.leave(port, ifindex));
  }

  private leave(port: PortName, ifindex: number | undefined): void {
    const notes = this.book.memory().filter((note) => note.port === port);
    const members = this.desk.isChanging(port) ? undefined : this.book.members(port);
    if (ifindex !== undefined && notes.length > 0) this.left.keep(ifindex, { notes, members });
    this.book.portGone(port);
  }

  portGone(port: PortName): void {
    this.restoring.delete(port);
  }

  /** All ports were read, and are known. */
  portsRead(): void {
    const { bridge } = this.core.parts;
    if (this.left.forgetMissing((ifindex) => bridge.nameOf(ifindex) !== undefined)) this.keep();
  }

  /** Notes may begin or end by this: those on disk, too. */
  noting<T>(run: () => T): T {
    const before = this.book.memory().length;
    const outcome = run();
    if (this.book.memory().length !== before) this.keep();
    return outcome;
  }

  /** On disk as they are now. */
  keep(): void {
    const { bridge } = this.core.parts;
    const notes = this.book
      .memory()
      .map((note) => ({ ...note, ...present({ ifindex: note.port && bridge.indexOf(note.port) }) }));
    this.core.out.push({ type: 'remember-vlans', found: [...notes, ...this.left.memory()] });
  }
}
