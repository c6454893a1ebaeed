// TLS as a client, for RADIUS over TLS and for the broker: the files, read and tried together, and its errors in words.
//
// Files are read at each connection, so that renewed certificates are taken up without a restart. What is wrong with one is
// said by the key of the configuration that names it; what a file holds never is.

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { err, messageOf, ok, type Result } from '../base/result.ts';

/** PEM files by absolute path; a certificate and its key belong together. */
export interface TlsFiles {
  /** Absent: the authorities that Node knows. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** PEM. */
export interface TlsMaterial {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** A certificate of our own that is over is refused here: a peer would say less about it. The error is a sentence. */
export function readTlsFiles({ caFile, certFile, keyFile }: TlsFiles): Result<TlsMaterial, string> {
  const read = {
    ca: readPem('ca_file', caFile),
    cert: readPem('cert_file', certFile),
    key: readPem('key_file', keyFile),
  };
  const { ca, cert, key } = read;
  if (!ca.ok) return ca;
  if (!cert.ok) return cert;
  if (!key.ok) return key;
  const material = {
    ...(ca.value === undefined ? {} : { ca: ca.value }),
    ...(cert.value === undefined ? {} : { cert: cert.value }),
    ...(key.value === undefined ? {} : { key: key.value }),
  };
  try {
    createSecureContext(material);
    const over = cert.value === undefined ? undefined : expiryOf(cert.value);
    return over === undefined ? ok(material) : err(`cert_file ${certFile}: it expired on ${over}`);
  } catch (cause) {
    const said = messageOf(cause);
    const named = Object.entries({ ca_file: caFile, cert_file: certFile, key_file: keyFile })
      .filter(([, path]) => path !== undefined)
      .map(([name, path]) => `${name} ${path}`);
    return err(`${named.join(' and ')} cannot be used: ${said}`);
  }
}

/** The date on which it was over, if it is. */
function expiryOf(pem: string): string | undefined {
  const { validTo } = new X509Certificate(pem);
  return Date.parse(validTo) < Date.now() ? validTo : undefined;
}

function readPem(key: string, path: string | undefined): Result<string | undefined, string> {
  if (path === undefined) return ok(undefined);
  try {
    const text = readFileSync(path, 'utf8');
    return text.includes('-----BEGIN ') ? ok(text) : err(`${key} ${path}: it is no PEM file`);
  } catch (cause) {
    return err(`${key} ${path}: ${messageOf(cause)}`);
  }
}

const REFUSED: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused: nobody listens there',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
};

/** Completes `the certificate of the server `. */
const NOT_TRUSTED: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet: is the clock right?',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'is self-signed, and not by an authority of ca_file',
  SELF_SIGNED_CERT_IN_CHAIN: 'is signed by an authority that is not in ca_file',
  UNABLE_TO_GET_ISSUER_CERT: 'is signed by an authority that is not in ca_file',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'is signed by an authority that is not in ca_file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'is signed by an authority that is not in ca_file',
  CERT_SIGNATURE_FAILURE: 'has a wrong signature',
  CERT_REVOKED: 'is revoked',
};

/** Whom we have tried to reach, as what, and by which certificate of ours. */
export interface TlsPeer {
  /** For people: `server`, `broker`. */
  readonly what: string;
  /** The name or address that its certificate must have. */
  readonly name: string;
  readonly certFile?: string | undefined;
}

export interface TlsProblem {
  /** For counters. */
  readonly reason: 'refused' | 'certificate' | 'error';
  /** For people: whose certificate is not believed, and why. */
  readonly detail: string;
}

/** Of anything that keeps a connection from being made. */
export function explainTls(
  error: Error & { readonly code?: string | number | undefined },
  { what, name, certFile }: TlsPeer,
): TlsProblem {
  const code = String(error.code ?? '');
  const refused = REFUSED[code];
  if (refused !== undefined) return { reason: 'refused', detail: refused };
  const distrusted = NOT_TRUSTED[code];
  if (distrusted !== undefined)
    return { reason: 'certificate', detail: `the certificate of the ${what} ${distrusted}` };
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const detail = `the certificate of the ${what} is not for ${name}: ${error.message}`;
    return { reason: 'certificate', detail };
  }
  if (/ALERT|alert/.test(`${code} ${error.message}`)) {
    const ours = certFile === undefined ? 'we have shown no certificate' : `our certificate (${certFile})`;
    const detail = `the ${what} refused us, probably ${ours}: ${error.message.trim()}`;
    return { reason: 'certificate', detail };
  }
  return { reason: 'error', detail: error.message.trim() || code };
}
