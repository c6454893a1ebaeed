// From an HTTP request to a wish of the login page, or to what is wrong with it. Everything here is hostile: what is not
// exactly as a browser sends it from our own form is refused.

import type { IncomingMessage } from 'node:http';
import { utf8 } from '../../base/bytes.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Problem } from '../../web/page.ts';
import type { Wish } from '../../web/visit.ts';

/** Of a form: a user name and a password of the longest, every octet of them percent-encoded, and a token. */
const LONGEST_BODY = 4096;

/** `see-first`: a form's own address was asked for, as by a reload. */
export type Request =
  | { readonly type: 'see-first' }
  | { readonly type: 'look'; readonly headOnly: boolean }
  | { readonly type: 'form'; readonly form: 'login' | 'logout' };

/** What the first line and the headers want. */
export function requestOf({ method, url = '' }: IncomingMessage): Result<Request, Problem> {
  const path = url.split('?', 1)[0];
  const reads = method === 'GET' || method === 'HEAD';
  switch (path) {
    case '/':
      return reads ? ok({ type: 'look', headOnly: method === 'HEAD' }) : err('method');
    case '/login':
    case '/logout':
      if (reads) return ok({ type: 'see-first' });
      return method === 'POST'
        ? ok({ type: 'form', form: path === '/login' ? 'login' : 'logout' })
        : err('method');
    default:
      return err('not-found');
  }
}

/** The site that the browser thinks it talks to, in lower case and without a port; undefined if that makes no sense. */
export function hostOf({ headers }: IncomingMessage): string | undefined {
  const [, bracketed, plain] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9.-]+))(?::[0-9]{1,5})?$/.exec(headers.host ?? '') ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}

/**
 * A form that was sent from our own page: browsers say so in Origin, and newer ones in Sec-Fetch-Site. One that says
 * neither has the form's token alone to prove it.
 */
export function isFromHere({ headers }: IncomingMessage, scheme: 'http' | 'https'): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') return false;
  const { origin } = headers;
  return origin === undefined || origin.toLowerCase() === `${scheme}://${headers.host ?? ''}`.toLowerCase();
}

/** Reads the body, within its bound; the listener's own time for a request ends one that is slow. */
export async function readForm(
  request: IncomingMessage,
  form: 'login' | 'logout',
): Promise<Result<Wish, Problem>> {
  const { headers } = request;
  const type = headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded' || headers['content-encoding'] !== undefined)
    return err('media-type');
  if (Number(headers['content-length'] ?? 0) > LONGEST_BODY) return err('too-large');
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > LONGEST_BODY) return err('too-large');
    chunks.push(chunk);
  }
  const fields = fieldsOf(Buffer.concat(chunks).toString('latin1'));
  return fields === undefined ? err('bad-request') : wishOf(fields, form);
}

function wishOf(fields: ReadonlyMap<string, string>, form: 'login' | 'logout'): Result<Wish, Problem> {
  const names = form === 'login' ? ['form', 'user', 'password'] : ['form'];
  const values = names.map((name) => fields.get(name));
  const [formToken, userName, password] = values;
  if (fields.size !== names.length || formToken === undefined || values.includes(undefined))
    return err('bad-request');
  if (form === 'logout') return ok({ type: 'logout', formToken });
  return ok({
    type: 'login',
    formToken,
    userName: userName ?? '',
    password: utf8(password ?? ''),
  });
}

/** Each name once, everything in printable ASCII, and UTF-8 without a NUL behind it. Undefined if it is anything else. */
function fieldsOf(body: string): ReadonlyMap<string, string> | undefined {
  if (!/^[\x21-\x7e]*$/.test(body)) return undefined;
  const fields = new Map<string, string>();
  for (const pair of body.split('&')) {
    const [name = '', ...rest] = pair.split('=');
    if (rest.length !== 1 || fields.has(name)) return undefined;
    const value = decoded(rest[0] ?? '');
    if (value === undefined) return undefined;
    fields.set(name, value);
  }
  return fields;
}

function decoded(text: string): string | undefined {
  try {
    const value = decodeURIComponent(text.replaceAll('+', ' '));
    return value.includes('\0') ? undefined : value;
  } catch {
    return undefined;
  }
}
