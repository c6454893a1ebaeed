// The simulated routed path: who may pass, whose packets are told of, and what goes out of its ingress interfaces.

import type { Input } from '../../../src/agent/ports.ts';
import type { Ip } from '../../../src/base/ip.ts';
import type { ClientDatagram } from '../../../src/radius/listed-clients.ts';

export class SimRoutedPath {
  readonly granted = new Set<Ip>();
  /** Whom somebody else has taken out or let in, until the agent deals with it. */
  readonly tampered = new Set<Ip>();
  readonly awaited = new Set<Ip>();
  readonly heard = new Set<Ip>();
  readonly replies: ClientDatagram[] = [];
  readonly injected: Uint8Array[] = [];

  grant(ip: Ip): void {
    this.granted.add(ip);
    this.tampered.delete(ip);
  }

  revoke(ip: Ip): void {
    this.granted.delete(ip);
    this.tampered.delete(ip);
  }

  /** By somebody else's hand; left out: everybody. */
  takeOut(ips: Iterable<Ip> = this.granted): void {
    for (const ip of [...ips]) {
      this.granted.delete(ip);
      this.tampered.add(ip);
    }
  }

  letIn(ip: Ip): void {
    this.granted.add(ip);
    this.tampered.add(ip);
  }

  /** By the next agent: whom the one before had granted passes all the while. */
  reopen(): void {
    for (const set of [this.awaited, this.heard]) set.clear();
  }

  /** A packet of this address comes in; true if it passes. */
  packet(ip: Ip): boolean {
    if (this.granted.has(ip)) return true;
    if (this.awaited.has(ip)) this.heard.add(ip);
    return false;
  }

  await({ ip, on }: { readonly ip: Ip; readonly on: boolean }): undefined {
    if (on) this.awaited.add(ip);
    else for (const set of [this.awaited, this.heard]) set.delete(ip);
  }

  read({ granted }: { readonly granted: boolean }): Input {
    const heard = [...this.heard];
    this.heard.clear();
    return granted
      ? { type: 'addresses', heard, granted: new Set(this.granted) }
      : { type: 'addresses', heard };
  }
}
