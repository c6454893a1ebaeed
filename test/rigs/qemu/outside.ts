// What the booted switch is plugged into, apart from its clients: a namespace with the broker and the servers on its
// management port, and one that is the far side of its uplink. Addresses of its bridge are the lab's (netns.ts).

import { keepNeighbours } from '../lab/machine.ts';
import { giveAddress, keepQuiet, Netns, UPLINK_IPV4, UPLINK_IPV6 } from '../lab/netns.ts';
import type { Machine } from './machine.ts';

/** On the management port: ours, and the switch's. */
export const OUTSIDE_IPV4 = '10.98.0.1';
export const MANAGEMENT_IPV4 = '10.98.0.2';

export class Outside {
  readonly services: Netns;
  readonly uplink: Netns;
  readonly #machine: Machine;

  private constructor(machine: Machine, services: Netns, uplink: Netns) {
    this.#machine = machine;
    this.services = services;
    this.uplink = uplink;
  }

  static async plug(machine: Machine): Promise<Outside> {
    const outside = new Outside(machine, Netns.create(), Netns.create());
    const { services, uplink } = outside;
    for (const netns of [services, uplink]) await keepQuiet(netns);
    await machine.plugInto('mgmt0', services);
    await services.ip('link set eth0 up');
    await services.ip(`addr add ${OUTSIDE_IPV4}/24 dev eth0`);
    await machine.plugInto('up0', uplink);
    await uplink.ip('link set eth0 up');
    await giveAddress(uplink, 'eth0', { ipv4: UPLINK_IPV4, ipv6: UPLINK_IPV6 });
    await keepNeighbours(uplink);
    return outside;
  }

  async close(): Promise<void> {
    for (const port of ['mgmt0', 'up0']) await this.#machine.plugInto(port);
    for (const netns of [this.services, this.uplink]) netns.close();
  }
}
