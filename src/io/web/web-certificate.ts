// The certificate of the login page, and its key: read, and tried together.

import { createSecureContext } from 'node:tls';
import { err, ok, type Result } from '../../base/result.ts';
import type { WebConfig } from '../../config/config.ts';
import { attempt, readPem } from '../files.ts';

/** PEM. */
export interface WebCertificate {
  readonly cert: string;
  readonly key: string;
}

/** The error is a sentence that names the file, or both where they do not belong together. */
export function readCertificate(tls: NonNullable<WebConfig['tls']>): Result<WebCertificate, string> {
  const [cert, key] = [readPem(tls.cert), readPem(tls.key)];
  if (!cert.ok) return err(`${tls.cert}: ${cert.error}`);
  if (!key.ok) return err(`${tls.key}: ${key.error}`);
  const both = { cert: cert.value, key: key.value };
  const usable = attempt(() => ok(createSecureContext(both)));
  return usable.ok ? ok(both) : err(`${tls.cert} and ${tls.key}: ${usable.error}`);
}
