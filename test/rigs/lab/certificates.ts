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

/** A certificate and its key, as files. */
export interface Issued {
  readonly certificate: string;
  readonly key: string;
}

export interface Request {
  readonly commonName: string;
  readonly usage: 'serverAuth' | 'clientAuth';
  /** As openssl writes them: `DNS:radius.lab,IP:127.0.0.1`. */
  readonly names: string;
  readonly expired?: boolean;
  /** Default the lab's own. */
  readonly authority?: Issued;
}

/** A certificate of the lab's authority, or of another one, in a folder that the caller removes. */
export async function issue(folder: string, name: string, request: Request): Promise<Issued> {
  const { ca } = await labCertificates();
  const lab = { certificate: ca, key: ca.replace(/pem$/, 'key') };
  return issueBy(request.authority ?? lab, folder, name, request);
}

async function issueBy(
  authority: Issued,
  folder: string,
  name: string,
  request: Omit<Request, 'authority'>,
): Promise<Issued> {
  const at = (suffix: string): string => path.join(folder, `${name}.${suffix}`);
  writeFileSync(at('ext'), `extendedKeyUsage=${request.usage}\nsubjectAltName=${request.names}\n`);
  const made = ['-keyout', at('key'), '-out', at('csr'), '-subj', `/CN=${request.commonName}`];
  await must(['openssl', 'req', ...NEW_KEY, ...made]);
  await must([
    ...['openssl', 'x509', '-req', '-in', at('csr'), '-CA', authority.certificate, '-CAkey', authority.key],
    ...['-CAcreateserial', '-CAserial', at('srl'), '-days', request.expired === true ? '-1' : '30'],
    ...['-extfile', at('ext'), '-out', at('pem')],
  ]);
  return { certificate: at('pem'), key: at('key') };
}

/** A certification authority of its own. */
export async function authority(folder: string, name: string): Promise<Issued> {
  const at = (suffix: string): string => path.join(folder, `${name}.${suffix}`);
  await must([
    ...['openssl', 'req', '-x509', ...NEW_KEY, '-days', '30'],
    ...['-keyout', at('key'), '-out', at('pem'), '-subj', `/CN=${name}`],
  ]);
  return { certificate: at('pem'), key: at('key') };
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

async function make(folder: string): Promise<void> {
  const at = (name: string): string => path.join(folder, name);
  await must([
    ...['openssl', 'req', '-x509', ...NEW_KEY, '-days', '30', '-keyout', at('ca.key'), '-out', at('ca.pem')],
    ...['-subj', '/CN=Rollcall lab CA'],
  ]);
  const lab = { certificate: at('ca.pem'), key: at('ca.key') };
  for (const [name, commonName, usage] of [
    ['server', 'radius.lab', 'serverAuth'],
    ['client', TLS_IDENTITY, 'clientAuth'],
  ] as const) {
    await issueBy(lab, folder, name, { commonName, usage, names: `DNS:${commonName}` });
  }
}
