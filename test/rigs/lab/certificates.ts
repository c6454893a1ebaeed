// The lab's own certification authority: one server and one client certificate, made with openssl when there are none
// that are younger than a week. The key usages are those that wpa_supplicant and FreeRADIUS insist on.

import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { must } from './process.ts';

const CACHE = path.resolve(import.meta.dirname, '../../../node_modules/.cache/rollcall');
const MAX_AGE_MS = 7 * 24 * 3600 * 1000;

export interface Certificates {
  readonly ca: string;
  readonly serverCertificate: string;
  readonly serverKey: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
}

/** The client certificate's common name is `tls-user`: the User-Name that EAP-TLS users log in as. */
export const TLS_IDENTITY = 'tls-user';

export async function labCertificates(): Promise<Certificates> {
  const folder = path.join(CACHE, 'lab-certificates');
  if (!existsSync(folder) || Date.now() - statSync(folder).mtimeMs > MAX_AGE_MS) {
    mkdirSync(CACHE, { recursive: true });
    const fresh = mkdtempSync(path.join(CACHE, 'making-'));
    await make(fresh);
    rmSync(folder, { recursive: true, force: true });
    renameSync(fresh, folder);
  }
  const at = (name: string): string => path.join(folder, name);
  return {
    ca: at('ca.pem'),
    serverCertificate: at('server.pem'),
    serverKey: at('server.key'),
    clientCertificate: at('client.pem'),
    clientKey: at('client.key'),
  };
}

async function make(folder: string): Promise<void> {
  const at = (name: string): string => path.join(folder, name);
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
  await must([
    'openssl',
    'req',
    '-x509',
    ...key,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.pem'),
    '-subj',
    '/CN=Rollcall lab CA',
  ]);
  for (const [name, commonName, usage] of [
    ['server', 'radius.lab', 'serverAuth'],
    ['client', TLS_IDENTITY, 'clientAuth'],
  ] as const) {
    writeFileSync(at(`${name}.ext`), `extendedKeyUsage=${usage}\nsubjectAltName=DNS:${commonName}\n`);
    await must([
      'openssl',
      'req',
      ...key,
      '-keyout',
      at(`${name}.key`),
      '-out',
      at(`${name}.csr`),
      '-subj',
      `/CN=${commonName}`,
    ]);
    await must([
      ...['openssl', 'x509', '-req', '-in', at(`${name}.csr`), '-CA', at('ca.pem'), '-CAkey', at('ca.key')],
      ...['-CAcreateserial', '-days', '30', '-extfile', at(`${name}.ext`), '-out', at(`${name}.pem`)],
    ]);
  }
}
