// Stock hostapd with its wired driver on one port: a known-good authenticator to try the other rigs against.
// Limit: for 5 s after a logoff it ignores the same client's EAPOL-Start, so take a new one for each login.

import { LabFolder } from './folder.ts';
import { RADIUS_SECRET } from './freeradius.ts';
import type { Netns } from './netns.ts';
import type { LabProcess } from './process.ts';

export class Hostapd {
  readonly #process: LabProcess;
  readonly #folder: LabFolder;

  private constructor(process: LabProcess, folder: LabFolder) {
    this.#process = process;
    this.#folder = folder;
  }

  static async start(netns: Netns, port: string): Promise<Hostapd> {
    const folder = new LabFolder('hostapd');
    const server = (kind: string, number: number): string =>
      `${kind}_server_addr=127.0.0.1\n${kind}_server_port=${number}\n${kind}_server_shared_secret=${RADIUS_SECRET}\n`;
    folder.write(
      'hostapd.conf',
      `interface=${port}\ndriver=wired\nieee8021x=1\neap_reauth_period=0\nuse_pae_group_addr=1\nown_ip_addr=127.0.0.1\n${server('auth', 1812)}${server('acct', 1813)}`,
    );
    const process = netns.start({
      name: `hostapd on ${port}`,
      argv: ['hostapd', '-d', folder.file('hostapd.conf')],
    });
    await process.waitForLine(/AP-ENABLED/);
    return new Hostapd(process, folder);
  }

  get output(): string {
    return this.#process.output;
  }

  async close(): Promise<void> {
    await this.#process.stop();
    this.#folder.remove();
  }
}
