// Somebody who means harm to an HTTP listener: so many requests, each of some kind, chosen by a seed.
// Usage: node hostile-http ADDRESS PORT REQUESTS SEED. Prints {sent, statuses, unanswered} as JSON.

import { connect } from 'node:net';
import { SeededRandom } from '../seeded-random.ts';

const [address = '', port = '80', requests = '1', seed = '1'] = process.argv.slice(2);
const random = new SeededRandom(Number(seed));
/** Fewer than one address may have, but for a few that find the door shut. */
const AT_ONCE = 24;
const ANSWER_WITHIN_MS = 300;
/** After what was heard last, nothing more is waited for. */
const PAUSE_MS = 10;
/** Longer than the listener gives a request. */
const SLOW_WITHIN_MS = 12_000;
const SLOW_ONES = 12;

const HOST = `Host: ${address}\r\n`;
const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n';

const pick = <T>(items: readonly T[]): T => items[random.below(items.length)] as T;
const noise = (length: number): string =>
  Array.from({ length }, () => String.fromCharCode(random.below(256))).join('');
const letters = (length: number): string =>
  Array.from({ length }, () => String.fromCharCode(97 + random.below(26))).join('');

function post(path: string, body: string, headers = HOST + FORM): string {
  return `POST ${path} HTTP/1.1\r\n${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
}

const login = (body: string, headers?: string): string => post('/login', body, headers);

const KINDS: readonly (() => string)[] = [
  () => noise(1 + random.below(400)),
  () => `${noise(20)}\r\n\r\n`,
  () => `GET / HTTP/1.1\r\n${HOST}\r\n`,
  () => `GET /${letters(1 + random.below(3000))} HTTP/1.1\r\n${HOST}\r\n`,
  () =>
    `GET ${pick(['/../../etc/passwd', '//evil.example/', 'http://evil.example/', '/%2e%2e/', '/login/../logout', '/?next=//evil.example', '*'])} HTTP/1.1\r\n${HOST}\r\n`,
  () =>
    `${pick(['PUT', 'DELETE', 'TRACE', 'OPTIONS', 'PATCH', 'PROPFIND', 'CONNECT'])} ${pick(['/', '/login', '/logout'])} HTTP/1.1\r\n${HOST}\r\n`,
  () => `POST / HTTP/1.1\r\n${HOST}Content-Length: 0\r\n\r\n`,
  () => `${letters(7).toUpperCase()} / HTTP/1.1\r\n${HOST}\r\n`,
  () =>
    `GET / HTTP/1.1\r\n${pick(['', 'Host: evil.example\r\n', `${HOST}Host: evil.example\r\n`, 'Host: \r\n', 'Host: a@b\r\n', `Host: ${letters(3000)}\r\n`])}\r\n`,
  () =>
    `GET / HTTP/1.1\r\n${HOST}${Array.from({ length: 300 }, (_, i) => `X-${i}: ${letters(20)}\r\n`).join('')}\r\n`,
  () => `GET / HTTP/1.1\r\n${HOST}Cookie: ${letters(20_000)}\r\n\r\n`,
  () => `GET / HTTP/1.1\r\n${HOST}X: ${noise(30)}\r\n\r\n`,
  () => login(`form=x&user=${letters(5000)}&password=b`),
  () => `POST /login HTTP/1.1\r\n${HOST}${FORM}Content-Length: 10000000\r\n\r\n${letters(2000)}`,
  () =>
    `POST /login HTTP/1.1\r\n${HOST}${FORM}Transfer-Encoding: chunked\r\n\r\n${Array.from({ length: 8 }, () => `400\r\n${letters(1024)}\r\n`).join('')}0\r\n\r\n`,
  () =>
    `POST /login HTTP/1.1\r\n${HOST}${FORM}Transfer-Encoding: chunked\r\n\r\n${pick(['zz', '-1', 'ffffffffffffffff', '5;x=y'])}\r\nabc\r\n`,
  () =>
    `POST /login HTTP/1.1\r\n${HOST}${FORM}Content-Length: ${pick(['-5', '1e3', '0x10', ' ', '5, 5', '99999999999999999999'])}\r\n\r\na=b`,
  () =>
    `POST /login HTTP/1.1\r\n${HOST}${FORM}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`,
  () => login(`form=${pick(['%zz', '%', '%c3%28', '%00', '%ff', '\u0000', ' '])}&user=a&password=b`),
  () => login('{"user":"a"}', `${HOST}Content-Type: application/json\r\n`),
  () => login('--x\r\n', `${HOST}Content-Type: multipart/form-data; boundary=x\r\n`),
  () => login('form=x&user=a&password=b', `${HOST}${FORM}Content-Encoding: gzip\r\n`),
  () =>
    login(
      pick([
        '',
        'form=x',
        'user=a&user=b&form=x&password=c',
        'form=x&user=a&password=b&admin=1',
        'form',
        '=&=&=',
        'form=a=b&user=c&password=d',
      ]),
    ),
  () =>
    login(
      'form=x&user=carol&password=wonder',
      `${HOST}${FORM}Origin: ${pick(['http://evil.example', 'null', `https://${address}`, `http://${address}:81`])}\r\n`,
    ),
  () =>
    login(
      'form=x&user=carol&password=wonder',
      `${HOST}${FORM}Sec-Fetch-Site: ${pick(['cross-site', 'same-site', 'none'])}\r\n`,
    ),
  () =>
    login(
      `form=${pick(['', '0-00000000000000000000000000000000', 'zzzzzzzzzzzz-ffffffffffffffffffffffffffffffff', letters(40)])}&user=carol&password=wonder`,
    ),
  () => post('/logout', `form=${pick(['', 'x', '5-0123456789abcdef0123456789abcdef'])}`),
  () => post('/logout', 'form=x', `${HOST}${FORM}Origin: http://evil.example\r\n`),
  () => `GET / HTTP/1.1\r\n${HOST}\r\n`.repeat(20),
  () => 'GET /\r\n\r\n',
  () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  () => `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${noise(60)}`,
  () => `GET / HTTP/1.1\r\n${HOST}Expect: 100-continue\r\n\r\n`,
  () => `GET / HTTP/1.1\r\n${HOST}Expect: ${letters(8)}\r\n\r\n`,
  () => `GET / HTTP/1.1\r\n${HOST}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n`,
  () => `POST /login HTTP/1.1\r\n${HOST}${FORM}Content-Length: 100\r\n\r\nform=x`,
];

/** Never finished: part of a first line, of the headers, of a body. */
const UNFINISHED: readonly string[] = [
  'GET / HT',
  `GET / HTTP/1.1\r\n${HOST}X: `,
  `POST /login HTTP/1.1\r\n${HOST}${FORM}Content-Length: 100\r\n\r\nform=`,
];

const statuses: Record<string, number> = {};
let sent = 0;
let unanswered = 0;

function send(text: string, withinMs: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: Number(port) });
    let said = '';
    let isOver = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      socket.destroy();
      const found = said.match(/^HTTP\/1\.1 \d{3}/gm) ?? [];
      for (const line of found) {
        const status = line.slice(-3);
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
      if (found.length === 0) unanswered++;
      sent++;
      resolve();
    };
    let timer = setTimeout(over, withinMs);
    socket.on('connect', () => socket.write(Buffer.from(text, 'latin1')));
    socket.on('data', (chunk) => {
      said += chunk.toString('latin1');
      clearTimeout(timer);
      timer = setTimeout(over, PAUSE_MS);
    });
    socket.on('error', () => undefined);
    socket.on('close', over);
  });
}

const total = Number(requests);
let left = total - SLOW_ONES;

async function worker(): Promise<void> {
  while (left-- > 0) {
    const text = pick(KINDS)();
    // Some leave in the middle.
    await send(
      random.below(50) === 0 ? text.slice(0, random.below(text.length)) : text,
      random.below(50) === 0 ? 5 : ANSWER_WITHIN_MS,
    );
  }
}

await Promise.all([
  ...Array.from({ length: SLOW_ONES }, (_, i) =>
    send(UNFINISHED[i % UNFINISHED.length] ?? '', SLOW_WITHIN_MS),
  ),
  ...Array.from({ length: AT_ONCE - SLOW_ONES }, worker),
]);
process.stdout.write(`${JSON.stringify({ sent, statuses, unanswered })}\n`);
process.exit(0);
