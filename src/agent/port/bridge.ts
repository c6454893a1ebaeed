// The bridge as the kernel tells of it: whether it is there, which ports it has, uplinks too, and what happens in its table. Whoever
// is to hear of that is told from here; what it means for an access port is port-desk.ts's.

import type { Mac } from '../../base/mac.ts';
import { assertNever } from '../../base/result.ts';
import type { DataplaneEvent, PortFacts, PortName } from '../../model/dataplane.ts';
import type { Core } from '../core.ts';

export class Bridge {
  private readonly facts = new Map<PortName, Pick<PortFacts, 'index' | 'address'>>();
  private readonly byIndex = new Map<number, PortName>();
  private absence: string | undefined;

  constructor(private readonly core: Core) {}

  boot(ports: readonly PortFacts[], absence: string | undefined): void {
    this.absence = absence;
    if (absence !== undefined) this.core.parts.reporter.warning('bridge-absent', absence, {});
    for (const facts of ports) this.know(facts);
  }

  get isThere(): boolean {
    return this.absence === undefined;
  }

  /** Why there is none, and what would bring it, in a sentence; undefined = it is there. */
  get missing(): string | undefined {
    return this.absence;
  }

  names(): readonly PortName[] {
    return [...this.facts.keys()];
  }

  /** Its ports by their ifindex. */
  get known(): ReadonlyMap<number, PortName> {
    return this.byIndex;
  }

  nameOf(index: number): PortName | undefined {
    return this.byIndex.get(index);
  }

  indexOf(name: PortName): number | undefined {
    return this.facts.get(name)?.index;
  }

  /** The MAC that our frames out of this port bear. */
  addressOf(name: PortName): Mac | undefined {
    return this.facts.get(name)?.address;
  }

  /** Frames from it are our own. */
  isOwnAddress(mac: Mac): boolean {
    for (const { address } of this.facts.values()) if (address === mac) return true;
    return false;
  }

  news(event: DataplaneEvent): void {
    const { floods, life, mab, watch, reporter } = this.core.parts;
    switch (event.type) {
      case 'port-added':
      case 'port-changed':
        this.found(event.port);
        return;
      case 'port-gone':
        this.gone(event.name);
        return;
      case 'mab-candidate':
        if (floods.admitsReport(event.key.port)) mab.sighted(event.key.mac, event.key.port);
        return;
      case 'open-entry':
        reporter.warning('open-entry', `an open entry of ${event.key.mac} stood on a locked port`, {
          mac: event.key.mac,
          port: event.key.port,
        });
        life.removeForeign(event.key);
        return;
      case 'entry-active':
        watch.activity(event.key);
        return;
      case 'entry-gone':
        life.grantsLost([event.key]);
        return;
      case 'vlans-changed':
        this.core.parts.reconciliation.vlansChanged(event.port);
        return;
      case 'overrun':
        this.core.parts.reconciliation.overrun();
        return;
      case 'bridge-gone':
        this.absence = goneSentence(this.core.config.switch.bridge, event.renamed);
        reporter.warning('bridge-gone', this.absence, {});
        this.core.parts.vlans.bridgeGone();
        for (const name of this.names()) this.gone(name);
        reporter.infoChanged();
        return;
      case 'bridge-back':
        this.absence = undefined;
        reporter.warning('bridge-back', 'the bridge is there: its ports are locked as they join it', {});
        watch.resweep();
        reporter.infoChanged();
        return;
      default:
        assertNever(event);
    }
  }

  /** All its ports as they are now: as if each had been told of. */
  compare(found: readonly PortFacts[]): void {
    const names = new Set(found.map(({ name }) => name));
    for (const name of this.names()) if (!names.has(name)) this.gone(name);
    for (const facts of found) this.found(facts);
    if (this.isThere) this.core.parts.vlans.portsRead();
  }

  private found(facts: PortFacts): void {
    const known = this.facts.get(facts.name);
    // Another one that has its name.
    if (known !== undefined && known.index !== facts.index) this.gone(facts.name);
    const isNew = known?.index !== facts.index;
    this.know(facts);
    if (isNew) this.added(facts);
    else this.core.parts.ports.changed(facts);
  }

  private know({ name, index, address }: PortFacts): void {
    this.facts.set(name, { index, address });
    this.byIndex.set(index, name);
  }

  private added(facts: PortFacts): void {
    const { leases, ports, reporter, vlans } = this.core.parts;
    ports.added(facts);
    vlans.portAdded();
    leases.portsChanged();
    reporter.infoChanged();
  }

  private gone(name: PortName): void {
    const { leases, ports, reporter, vlans } = this.core.parts;
    const known = this.facts.get(name);
    vlans.leaving(name, known?.index);
    // Its index may be known by another name already.
    if (known !== undefined && this.byIndex.get(known.index) === name) this.byIndex.delete(known.index);
    this.facts.delete(name);
    leases.portsChanged();
    ports.gone(name);
    reporter.infoChanged();
  }
}

function goneSentence(bridge: string, renamed: string | undefined): string {
  if (renamed === undefined)
    return `the bridge ${bridge} is gone: every port is out of our hands, until it is made anew`;
  return `the bridge ${bridge} is called ${renamed} now: its ports stay locked, and nobody is let in, until it has its name again or switch.bridge is ${renamed} (that takes a restart)`;
}
