// radsecproxy of the lab's own, in the switch's namespace: RADIUS over TLS on one side, FreeRADIUS over UDP on the other.
// It believes clients that have a certificate of the lab's authority.

import { type Issued, labCertificates } from './certificates.ts';
import { LabFolder } from './folder.ts';
import { RADIUS_SECRET } from './freeradius.ts';
import type { Netns } from './netns.ts';
import type { LabProcess } from './process.ts';

export interface RadSecProxyOptions {
  /** What it shows; with the names that a test wants. */
  readonly certificate: Issued;
  /** Default 2083. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly address?: string;
}

export class RadSecProxy {
  readonly #netns: Netns;
  readonly #folder: LabFolder;
  #process: LabProcess | null = null;

  private constructor(netns: Netns, folder: LabFolder) {
    this.#netns = netns;
    this.#folder = folder;
  }

  /** Listening when this returns. */
  static async start(netns: Netns, options: RadSecProxyOptions): Promise<RadSecProxy> {
    const folder = new LabFolder('radsecproxy');
    const { ca } = await labCertificates();
    folder.write('radsecproxy.conf', configuration(ca, options));
    const proxy = new RadSecProxy(netns, folder);
    await proxy.start();
    return proxy;
  }

  async start(): Promise<void> {
    this.#process = this.#netns.start({
      name: 'radsecproxy',
      argv: ['radsecproxy', '-f', '-d', '2', '-c', this.#folder.file('radsecproxy.conf')],
    });
    await this.#process.waitForLine(/listening for tls/i);
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
    this.#process = null;
  }

  get output(): string {
    return this.#process?.output ?? '';
  }

  /** It hangs: connections stand, and nothing is answered. */
  freeze(): void {
    this.#process?.signal('SIGSTOP');
  }

  thaw(): void {
    this.#process?.signal('SIGCONT');
  }

  async close(): Promise<void> {
    this.thaw();
    await this.stop();
    this.#folder.remove();
  }
}

function configuration(
  ca: string,
  { certificate, port = 2083, address = '127.0.0.1' }: RadSecProxyOptions,
): string {
  const host = address.includes(':') ? `[${address}]` : address;
  return `ListenTLS ${host}:${port}
LogLevel 2
tls lab {
	CACertificateFile ${ca}
	CertificateFile ${certificate.certificate}
	CertificateKeyFile ${certificate.key}
}
client switch {
	host ${address}
	type tls
	tls lab
	secret radsec
	certificateNameCheck off
}
server authentication {
	host 127.0.0.1
	port 1812
	type udp
	secret ${RADIUS_SECRET}
}
server accounting {
	host 127.0.0.1
	port 1813
	type udp
	secret ${RADIUS_SECRET}
}
realm * {
	server authentication
	accountingServer accounting
}
`;
}
