// wpa_supplicant on a client's wire, driven through its control socket.

import { existsSync, rmSync } from 'node:fs';
import { labCertificates, TLS_IDENTITY } from './certificates.ts';
import { LabFolder } from './folder.ts';
import type { SwitchClient } from './netns.ts';
import type { LabProcess } from './process.ts';
import { until } from './process.ts';

export type EapMethod = 'PEAP' | 'TTLS' | 'TLS' | 'MD5';

export interface Credentials {
  readonly method: EapMethod;
  /** For TLS the name in the lab's client certificate is used instead. */
  readonly identity?: string;
  readonly password?: string;
}

/** `authorized`: EAP succeeded; `refused`: the supplicant is held after a failure, or never got beyond one. */
export type SupplicantState = 'authorized' | 'unauthorized' | 'refused';

/** Of a supplicant that was waited for in vain. */
const STEPS_TOLD = 12;

export class Supplicant {
  readonly #client: SwitchClient;
  readonly #folder: LabFolder;
  #process: LabProcess | null = null;

  private constructor(client: SwitchClient, folder: LabFolder) {
    this.#client = client;
    this.#folder = folder;
  }

  /** Running when this returns; it sends EAPOL-Start by itself. */
  static async start(client: SwitchClient, credentials: Credentials): Promise<Supplicant> {
    const folder = new LabFolder('supplicant');
    folder.write('wpa_supplicant.conf', await configuration(folder.file('control'), credentials));
    const supplicant = new Supplicant(client, folder);
    await supplicant.#launch();
    return supplicant;
  }

  get output(): string {
    return this.#process?.output ?? '';
  }

  get #socket(): string {
    return `${this.#folder.file('control')}/eth0`;
  }

  async #launch(): Promise<void> {
    // One that was killed leaves its socket behind, and the next is not there before it has made its own.
    rmSync(this.#socket, { force: true });
    const argv = [
      'wpa_supplicant',
      '-t',
      '-d',
      '-D',
      'wired',
      '-i',
      'eth0',
      '-c',
      this.#folder.file('wpa_supplicant.conf'),
    ];
    const started = this.#client.netns.start({ name: `wpa_supplicant on ${this.#client.port}`, argv });
    this.#process = started;
    await until('the control socket of wpa_supplicant', () => {
      if (!started.isRunning) throw new Error(`wpa_supplicant ended:\n${started.output}`);
      return existsSync(this.#socket);
    });
  }

  /** One wpa_cli command; returns what it says. */
  async command(...words: readonly string[]): Promise<string> {
    const said = await this.#client.netns.must([
      'wpa_cli',
      '-p',
      this.#folder.file('control'),
      '-i',
      'eth0',
      ...words,
    ]);
    if (/^FAIL/m.test(said)) throw new Error(`wpa_cli ${words.join(' ')}: ${said.trim()}`);
    return said;
  }

  /** `wpa_cli status` by key: `Supplicant PAE state`, `suppPortStatus`, `EAP state`, `selectedMethod`, ... */
  async status(): Promise<Readonly<Record<string, string>>> {
    const status: Record<string, string> = {};
    for (const line of (await this.command('status')).split('\n')) {
      const at = line.indexOf('=');
      if (at > 0) status[line.slice(0, at)] = line.slice(at + 1);
    }
    return status;
  }

  /** A wait in vain tells what the supplicant did last. */
  async waitFor(state: SupplicantState, timeoutMs = 20_000): Promise<void> {
    const what = `the supplicant on ${this.#client.port} to be ${state}`;
    try {
      await until(what, () => this.is(state), timeoutMs);
    } catch (cause) {
      throw new Error(`${String(cause)}; its last steps:\n${this.#lastSteps()}`, { cause });
    }
  }

  #lastSteps(): string {
    const steps = this.output
      .split('\n')
      .filter((line) =>
        /EAPOL: (SUPP_PAE|txStart|txLogoff|Received)|EAP: EAP entering|CTRL-EVENT/.test(line),
      );
    return steps.slice(-STEPS_TOLD).join('\n');
  }

  async is(state: SupplicantState): Promise<boolean> {
    const status = await this.status();
    switch (state) {
      case 'authorized':
        return status.suppPortStatus === 'Authorized' && status['Supplicant PAE state'] === 'AUTHENTICATED';
      case 'unauthorized':
        return status.suppPortStatus === 'Unauthorized';
      case 'refused':
        return status['Supplicant PAE state'] === 'HELD' || /CTRL-EVENT-EAP-FAILURE/.test(this.output);
    }
  }

  /** EAPOL-Logoff. */
  async logoff(): Promise<void> {
    await this.command('logoff');
  }

  /** After `logoff`: EAPOL-Start again. */
  async logon(): Promise<void> {
    await this.command('logon');
  }

  /** The supplicant starts anew with EAPOL-Start, without a logoff. */
  async reauthenticate(): Promise<void> {
    await this.command('reauthenticate');
  }

  /** The process is killed: nothing more is sent, not even a logoff. */
  async kill(): Promise<void> {
    this.#process?.signal('SIGKILL');
    await this.#process?.exited;
    this.#process = null;
  }

  /** Another user at the same machine: wpa_supplicant is killed and started with other credentials. */
  async become(credentials: Credentials): Promise<void> {
    await this.kill();
    this.#folder.write('wpa_supplicant.conf', await configuration(this.#folder.file('control'), credentials));
    await this.#launch();
  }

  async close(): Promise<void> {
    await this.kill();
    this.#folder.remove();
  }
}

async function configuration(control: string, credentials: Credentials): Promise<string> {
  const certificates = await labCertificates();
  const identity = credentials.method === 'TLS' ? TLS_IDENTITY : (credentials.identity ?? '');
  const lines = [
    'key_mgmt=IEEE8021X',
    'eapol_flags=0',
    `eap=${credentials.method}`,
    `identity="${identity}"`,
  ];
  if (credentials.password !== undefined) lines.push(`password="${credentials.password}"`);
  if (credentials.method !== 'MD5') lines.push(`ca_cert="${certificates.ca}"`);
  if (credentials.method === 'PEAP') lines.push('phase2="auth=MSCHAPV2"');
  if (credentials.method === 'TTLS') lines.push('phase2="auth=PAP"');
  if (credentials.method === 'TLS') {
    lines.push(`client_cert="${certificates.clientCertificate}"`, `private_key="${certificates.clientKey}"`);
  }
  const network = lines.map((line) => `\t${line}\n`).join('');
  return `ctrl_interface=${control}\nap_scan=0\neapol_version=2\nnetwork={\n${network}}\n`;
}
