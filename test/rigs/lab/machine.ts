// A machine of a scenario, in its namespace: its addresses, its supplicant, what it says by itself, whether it is heard.
//
// Its kernel says nothing unasked: neighbours are not asked again after a while (RFC 4861 §7.3.2, STALE to PROBE), neither by
// it nor, `keepNeighbours`, by the uplink's far end. Otherwise they would be sending 5 s after each ping.

import { becomeAddressless, becomeIpv6Only, fallSilent, speakAgain, speakOnce, talker } from './client.ts';
import { giveAddress, type Netns, type SwitchClient, UPLINK_IPV4, UPLINK_IPV6 } from './netns.ts';
import { patience } from './patience.ts';
import type { LabProcess } from './process.ts';
import { Supplicant, type SupplicantState } from './supplicant.ts';
import { addVlanDevices } from './vlan-devices.ts';

/** How long a ping may take to be answered, s; one is sent every quarter of a second. */
const PING_WITHIN_S = 2;
const LONG_S = 3600;

export interface User {
  readonly identity: string;
  readonly password: string;
}

export class LabMachine {
  #client: SwitchClient;
  #supplicant: Supplicant | undefined;
  #talker: LabProcess | undefined;
  #tags: LabProcess | undefined;
  #isSilent = false;
  #hasIpv4 = true;
  #device = 'eth0';

  constructor(client: SwitchClient) {
    this.#client = client;
  }

  get mac(): string {
    return this.#client.mac;
  }

  get port(): string {
    return this.#client.port;
  }

  /** Its link stays up. */
  async takeMac(mac: string): Promise<void> {
    await this.#client.netns.ip(`link set eth0 address ${mac}`);
    this.#client = { ...this.#client, mac };
  }

  // Its supplicant.

  /** Runs from now on as this user, whoever it was before; nothing is said of the one before. */
  async runSupplicant({ identity, password }: User): Promise<void> {
    const credentials = { method: 'MD5', identity, password } as const;
    if (this.#supplicant === undefined) this.#supplicant = await Supplicant.start(this.#client, credentials);
    else await this.#supplicant.become(credentials);
  }

  supplicantIs(state: SupplicantState): Promise<boolean> {
    return this.#running().is(state);
  }

  async logoff(): Promise<void> {
    await this.#running().logoff();
  }

  async restartSupplicant(): Promise<void> {
    await this.#running().reauthenticate();
  }

  async killSupplicant(): Promise<void> {
    await this.#supplicant?.kill();
  }

  #running(): Supplicant {
    if (this.#supplicant === undefined) throw new Error(`no supplicant has been started on ${this.port}`);
    return this.#supplicant;
  }

  // What is heard of it.

  async silence(): Promise<void> {
    if (!this.#isSilent) await fallSilent(this.#client);
    this.#isSilent = true;
  }

  async speakAgain(): Promise<void> {
    if (this.#isSilent) await speakAgain(this.#client);
    this.#isSilent = false;
  }

  /** The first frame is out when this returns; 0 = no more. */
  async talk(ms: number): Promise<void> {
    await this.#talker?.stop();
    this.#talker = ms === 0 ? undefined : await talker(this.#client, ms);
  }

  async say(): Promise<void> {
    await speakOnce(this.#client);
  }

  /** Its addresses are in this VLAN from now on, tagged; undefined = untagged. */
  async tag(vlan: number | undefined): Promise<void> {
    const { netns, mac, ipv4, ipv6 } = this.#client;
    await this.#tags?.stop();
    if (this.#device !== 'eth0') await netns.ip(`link del ${this.#device}`);
    this.#device = vlan === undefined ? 'eth0' : `eth0.${vlan}`;
    await netns.ip('addr flush dev eth0');
    this.#tags = vlan === undefined ? undefined : (await addVlanDevices(netns, [vlan], { mac })).relay;
    await netns.ip(`link set ${this.#device} up`);
    await giveAddress(netns, this.#device, { ipv4, ipv6 });
  }

  async dropIpv4(): Promise<void> {
    await becomeIpv6Only(this.#client);
    this.#hasIpv4 = false;
  }

  async dropAddresses(): Promise<void> {
    await becomeAddressless(this.#client);
  }

  /** A ping of the uplink's far end is answered. Whom it could not reach before, it asks for anew, at once. */
  async reachesUplink(): Promise<boolean> {
    const target = this.#hasIpv4 ? UPLINK_IPV4 : UPLINK_IPV6;
    const ping = `ping -n -q -c 1 -i 0.25 -w ${patience(PING_WITHIN_S)} ${target}`;
    const forget = `ip neigh del ${target} dev ${this.#device} 2>/dev/null`;
    const finished = await this.#client.netns.run(['sh', '-c', `${forget}; exec ${ping}`]);
    return finished.code === 0;
  }

  async close(): Promise<void> {
    await this.#tags?.stop();
    await this.#talker?.stop();
    await this.#supplicant?.close();
  }
}

/** Who is known on eth0 stays known, and is not asked whether it is there still. */
export async function keepNeighbours(netns: Netns): Promise<void> {
  for (const family of ['ipv4', 'ipv6'])
    await netns.setSysctl(`net.${family}.neigh.eth0.delay_first_probe_time`, LONG_S);
}
