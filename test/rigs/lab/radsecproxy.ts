// radsecproxy of the lab's own, in the switch's namespace: RADIUS over TLS on one side, FreeRADIUS over UDP on the other.
// It believes clients that have a certificate of the lab's authority.

import { type Issued, labCertificates } from './certificates.ts';
import { LabFolder } from './folder.ts';
import { RADIUS_SECRET } from './freeradius.ts';
import type { Netns } from './netns.ts';
import { LabServer } from './server.ts';

export interface RadSecProxyOptions {
  /** What it shows; with the names that a test wants. */
  readonly certificate: Issued;
  /** Default 2083. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly address?: string;
}

export class RadSecProxy extends LabServer {
  /** Listening when this returns. */
  static async start(netns: Netns, options: RadSecProxyOptions): Promise<RadSecProxy> {
    const folder = new LabFolder('radsecproxy');
    const { ca } = await labCertificates();
    folder.write('radsecproxy.conf', configuration(ca, options));
    const proxy = new RadSecProxy(netns, folder);
    await proxy.start();
    return proxy;
  }

  start(): Promise<void> {
    const argv = ['radsecproxy', '-f', '-d', '2', '-c', this.folder.file('radsecproxy.conf')];
    return this.launch(argv, /listening for tls/i);
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
