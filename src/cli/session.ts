// One conversation with an agent: connect, ask, show, and the exit code.

import { isUtf8 } from 'node:buffer';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { err, messageOf, ok, type Result } from '../base/result.ts';
import { describeFault } from '../config/fault.ts';
import { readYaml } from '../config/yaml.ts';
import type { Answer, ResultOf } from '../report/answers.ts';
import type { Verb } from '../report/command-schemas.ts';
import type { AgentClient } from './client.ts';
import { eventLine } from './event-line.ts';
import { SocketClient } from './socket-client.ts';
import type { Colors } from './text.ts';
import type { ViewContext } from './views.ts';

export const DEFAULT_CONFIG = '/etc/rollcall/rollcall.yaml';
export const DEFAULT_SOCKET = '/run/rollcall.sock';

export const EXIT = { done: 0, refused: 1, usage: 2, noAgent: 3 } as const;

/** The options that every verb has. */
export interface Connection {
  readonly json?: true;
  readonly socket?: string;
  readonly broker?: string;
  readonly switch?: string;
  readonly username?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly timeout: number;
}

export interface Terminal {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  readonly paint: Colors;
  readonly now: () => number;
}

export interface Question<V extends Verb> {
  readonly connection: Connection;
  readonly verb: V;
  /** Keys that are undefined are left out. */
  readonly request: object;
  readonly view: (result: ResultOf<V>, context: ViewContext) => string;
  readonly terminal: Terminal;
  readonly pages?: Pages<V>;
}

/** Of an answer that comes in parts. */
export interface Pages<V extends Verb> {
  /** What the request has to say beside for the next part; undefined after the last one. */
  readonly next: (part: ResultOf<V>) => object | undefined;
  readonly join: (before: ResultOf<V>, part: ResultOf<V>) => ResultOf<V>;
}

export async function ask<V extends Verb>({
  connection,
  verb,
  request,
  view,
  terminal,
  pages,
}: Question<V>): Promise<number> {
  const client = await open(connection);
  if (!client.ok) return complain(terminal, client.error, EXIT.usage);
  try {
    const answer = await wholeAnswer(client.value, { verb, request, pages });
    if (!answer.ok) return complain(terminal, answer.error, EXIT.noAgent);
    if (connection.json === true) terminal.out(`${JSON.stringify(answer.value, null, 2)}\n`);
    if (!answer.value.ok) {
      const { message, faults } = answer.value.error;
      const sentences = faults?.map(describeFault) ?? [message];
      if (connection.json !== true)
        for (const sentence of sentences) complain(terminal, sentence, EXIT.refused);
      return EXIT.refused;
    }
    if (connection.json !== true) {
      terminal.out(`${view(answer.value.result, { paint: terminal.paint, now: terminal.now() })}\n`);
    }
    return EXIT.done;
  } finally {
    await client.value.close();
  }
}

/** Of several parts, if there are such; one that is refused is the answer. */
async function wholeAnswer<V extends Verb>(
  client: AgentClient,
  { verb, request, pages }: Pick<Question<V>, 'verb' | 'request'> & { readonly pages: Pages<V> | undefined },
): Promise<Result<Answer<V>, string>> {
  let answer = await client.request(verb, request);
  let part = answer;
  while (pages !== undefined && answer.ok && answer.value.ok && part.ok && part.value.ok) {
    const more = pages.next(part.value.result);
    if (more === undefined) return answer;
    part = await client.request(verb, { ...request, ...more });
    if (!part.ok || !part.value.ok) return part;
    answer = ok({ ...answer.value, result: pages.join(answer.value.result, part.value.result) });
  }
  return answer;
}

/** `recent` given: prints so many and ends; else follows until the signal or Ctrl-C. */
export async function events(
  connection: Connection,
  recent: number | undefined,
  terminal: Terminal,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { paint } = terminal;
  if (recent !== undefined) {
    const view = (result: ResultOf<'events'>) =>
      result.events.map((event) => eventLine(event, paint)).join('\n');
    return ask({ connection, verb: 'events', request: { limit: recent }, view, terminal });
  }
  const client = await open(connection);
  if (!client.ok) return complain(terminal, client.error, EXIT.usage);
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  signal?.addEventListener('abort', interrupt, { once: true });
  process.once('SIGINT', interrupt);
  try {
    const show =
      connection.json === true
        ? JSON.stringify
        : (event: Parameters<typeof eventLine>[0]) => eventLine(event, paint);
    const ended = await client.value.listen((event) => terminal.out(`${show(event)}\n`), stop.signal);
    return ended.ok ? EXIT.done : complain(terminal, ended.error, EXIT.noAgent);
  } finally {
    process.removeListener('SIGINT', interrupt);
    await client.value.close();
  }
}

export function complain(terminal: Terminal, message: string, code: number): number {
  terminal.err(`${terminal.paint.red('rollcall:')} ${message}\n`);
  return code;
}

/** The error is one of usage. */
export async function open(connection: Connection): Promise<Result<AgentClient, string>> {
  const timeoutMs = connection.timeout * 1000;
  const { broker, switch: switchId } = connection;
  if (broker === undefined || switchId === undefined) {
    return ok(new SocketClient(connection.socket ?? configuredSocket() ?? DEFAULT_SOCKET, timeoutMs));
  }
  const password = firstLine(readOptional(connection.passwordFile, isUtf8));
  const ca = readPem(connection.caFile, (pem) => new X509Certificate(pem));
  const cert = readPem(connection.certFile, (pem) => new X509Certificate(pem));
  const key = readPem(connection.keyFile, (pem) => createPrivateKey(pem));
  for (const read of [password, ca, cert, key]) if (read?.ok === false) return read;
  const { BrokerClient } = await import('./broker-client.ts');
  return ok(
    new BrokerClient({
      url: broker,
      switchId,
      timeoutMs,
      ...(connection.username === undefined ? {} : { username: connection.username }),
      ...given('password', password),
      tls: { ...given('ca', ca), ...given('cert', cert), ...given('key', key) },
    }),
  );
}

/** What stands beside the blocks of a PEM file may be in any encoding; in a password it may not. */
function readOptional(
  file: string | undefined,
  isText: (octets: Buffer) => boolean = () => true,
): Result<string | undefined, string> {
  if (file === undefined) return ok(undefined);
  try {
    const octets = readFileSync(file);
    return isText(octets) ? ok(octets.toString('utf8')) : err(`cannot read ${file}: it is not UTF-8 text`);
  } catch (cause) {
    return err(`cannot read ${file}: ${messageOf(cause)}`);
  }
}

/** What cannot be used is said here, with its name: OpenSSL's own words name no file, and of an authority it says nothing. */
function readPem(
  file: string | undefined,
  parse: (pem: string) => unknown,
): Result<string | undefined, string> {
  const read = readOptional(file);
  try {
    if (read.ok && read.value !== undefined) parse(read.value);
    return read;
  } catch (cause) {
    return err(`cannot use ${file}: ${messageOf(cause)}`);
  }
}

function firstLine(read: Result<string | undefined, string>): Result<string | undefined, string> {
  return read.ok ? ok(read.value?.split(/\r?\n/)[0]) : read;
}

function given<K extends string>(
  key: K,
  read: Result<string | undefined, string> | undefined,
): { readonly [P in K]?: string } {
  return read?.ok === true && read.value !== undefined
    ? ({ [key]: read.value } as { readonly [P in K]: string })
    : {};
}

/** Read leniently: who asks may not be allowed to read the secrets, and a fault in the file is the agent's business. */
function configuredSocket(): string | undefined {
  try {
    const yaml = readYaml(readFileSync(DEFAULT_CONFIG, 'utf8'));
    if (!yaml.ok) return undefined;
    const { control_socket: socket } = yaml.value.value as { readonly control_socket?: unknown };
    return typeof socket === 'string' && socket !== '' ? socket : undefined;
  } catch {
    return undefined;
  }
}
