// Everything that reads octets or text from outside, in one table. `covers` names the functions of src that a target is for;
// decoders.test.ts finds those that no target is for. A target's `run` throws if a promise is broken, and else says what came
// of the input, in a word. Seeds: `seeds`, and the lines of corpus/<name>.txt.

import { EventEmitter } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { decodeRecord } from '../../src/accounting/record-codec.ts';
import { readSpool } from '../../src/accounting/spool.ts';
import type { Input } from '../../src/agent/ports.ts';
import { concatBytes, fromHex, fromUtf8, utf8 } from '../../src/base/bytes.ts';
import { parseIp } from '../../src/base/ip.ts';
import { parseMac } from '../../src/base/mac.ts';
import { parseMacPrefix } from '../../src/base/mac-prefix.ts';
import { instant } from '../../src/base/time.ts';
import { same } from '../../src/config/diff.ts';
import { readLockFile } from '../../src/config/lock-file.ts';
import { parseConfig } from '../../src/config/parse.ts';
import { ControlClient } from '../../src/io/control/control-client.ts';
import { BridgeNote } from '../../src/io/dataplane/bridge-note.ts';
import { HeldPorts } from '../../src/io/dataplane/held-ports.ts';
import {
  PORT_OCTETS,
  RecordBuffer,
  readAddress,
  readEvent,
  readName,
  readPort,
  readVlan,
} from '../../src/io/dataplane/portauth-abi.ts';
import { VlanMemory } from '../../src/io/dataplane/vlan-memory.ts';
import { SsoBars } from '../../src/io/servers/sso-bars.ts';
import { hostOf, isFromHere, readForm, requestOf } from '../../src/io/web/web-request.ts';
import type { PortName } from '../../src/model/dataplane.ts';
import { KEPT_PREFIX, LOGIN_PREFIX } from '../../src/model/kept.ts';
import { printable } from '../../src/pae/identity.ts';
import { readCertified } from '../../src/policy/certified-codec.ts';
import { readLogins } from '../../src/radius/sso-login-codec.ts';
import { decodeCommand } from '../../src/report/commands.ts';
import { decodeEvent, encodeEvent, eventKey, readEvents } from '../../src/report/event-codec.ts';
import { EventLog } from '../../src/report/events.ts';
import { parseTopic } from '../../src/report/topics.ts';
import { decodeKept, encodeKept, readKept } from '../../src/session/kept-codec.ts';
import { EAPOL_EAP, encodeEapol } from '../../src/wire/eapol.ts';
import { decodeEntries, forEachEntry } from '../../src/wire/fdb-table.ts';
import { revealUserPassword } from '../../src/wire/radius-password.ts';
import { RadiusFramer } from '../../src/wire/radius-stream.ts';
import {
  verifyAccessRequest,
  verifyAccountingOrDynamicRequest,
  verifyResponse,
} from '../../src/wire/radius-verify.ts';
import { NO_FILES } from '../rigs/sim/simulated-switch.ts';
import { CODECS, type PlainCodec } from '../rigs/wire-codecs.ts';
import {
  dynamicSeeds,
  eventSeeds,
  keptSeeds,
  messages,
  recordSeeds,
  ssoSeeds,
  tableSeeds,
  texts,
} from './seeds.ts';
import { BASE, CONCENTRATOR, PORTS, SERVER, Town } from './town.ts';

export interface Target {
  readonly name: string;
  /** `file function` of src. */
  readonly covers: readonly string[];
  readonly seeds: () => readonly Uint8Array[];
  readonly run: (bytes: Uint8Array) => string | Promise<string>;
  /** Inputs a second, about: those that are dear get fewer. */
  readonly dear?: boolean;
}

const EAPOL_HEAD = Uint8Array.of(0x01, 0x80, 0xc2, 0, 0, 3, 2, 0x99, 0, 0, 0, 1, 0x88, 0x8e);
const SECRET = utf8('a secret that signed none of them');

function must(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

const DECODERS: Readonly<Record<string, string>> = {
  ethernet: 'decodeEthernet',
  eapol: 'decodeEapol',
  eap: 'decodeEap',
  radius: 'decodeRadius',
  arp: 'decodeArp',
  ipv4: 'decodeIpv4',
  nd: 'decodeNd',
  dhcp: 'decodeDhcp',
  dhcp6: 'decodeDhcp6',
};

/** The codecs of src/wire: what is taken is described in one line, and its encoding is taken again. */
function codecTarget(codec: PlainCodec): Target {
  return {
    name: codec.name,
    covers: [`wire/${codec.name}.ts ${DECODERS[codec.name] ?? ''}`],
    seeds: () => messages(codec.name),
    run: (bytes) => {
      const { reason, line = '', again } = codec.exercise(bytes);
      if (reason !== undefined) {
        must(codec.reasons.includes(reason), `unlisted reason ${reason}`);
        return reason;
      }
      must(line !== '' && !/\p{Cc}/u.test(line), `description ${JSON.stringify(line)}`);
      const { reason: refusal } = codec.exercise(again ?? new Uint8Array(0));
      must(refusal === undefined, `its own encoding is refused: ${refusal}`);
      return 'accepted';
    },
  };
}

const radiusSeeds = () => messages('radius');

/** Parsers of one text, whose answer is a value or undefined. */
function textTarget(
  name: string,
  covers: readonly string[],
  seeds: Target['seeds'],
  parse: (text: string) => unknown,
): Target {
  return {
    name,
    covers,
    seeds,
    run: (bytes) => (parse(fromUtf8(bytes)) === undefined ? 'refused' : 'accepted'),
  };
}

/** With everybody in who can be. */
function liveTown(): Town {
  const town = new Town(false, true);
  for (const client of town.net.clients) {
    client.supplicant.start();
    client.announce();
  }
  town.net.advance(1_000);
  return town;
}

/** An agent that is up, for as many inputs as can be without one that remembers too much. */
function inTown(
  name: string,
  covers: readonly string[],
  seeds: Target['seeds'],
  input: (bytes: Uint8Array) => Input,
): Target {
  let town: Town | undefined;
  let left = 0;
  return {
    name,
    covers,
    seeds,
    dear: true,
    run: (bytes) => {
      if (town === undefined || left-- === 0) {
        town = liveTown();
        left = 500;
      }
      const { net, invariants } = town;
      const before = net.performed.length;
      const drops = new Map(Object.entries(invariants.core.drops.snapshot()));
      net.post(input(bytes));
      net.advance(1);
      const kinds = net.performed.slice(before).map(({ effect }) => effect.type);
      const dropped = Object.entries(invariants.core.drops.snapshot()).filter(
        ([what, n]) => drops.get(what) !== n,
      );
      return [...new Set([...kinds, ...dropped.map(([what]) => what)])].sort().join(' ') || 'nothing';
    },
  };
}

const frameSeeds = () => messages('ethernet', 'arp', 'nd', 'dhcp');
/** Behind an Ethernet header of a client's EAPOL. */
const eapolSeeds = () =>
  [
    ...messages('eapol'),
    ...messages('eap').map((body) => encodeEapol({ version: 2, type: EAPOL_EAP, body })),
  ].map((body) => concatBytes([EAPOL_HEAD, body]));

const REQUEST_SEEDS = () =>
  texts(
    'GET / HTTP/1.1\nhost: login.example.net\n\n',
    'POST /login HTTP/1.1\nhost: 192.0.2.1\ncontent-type: application/x-www-form-urlencoded\norigin: http://192.0.2.1\n\nform=a&user=u%C3%A9&password=p+q',
    'POST /logout HTTP/1.1\nhost: [2001:db8::1]:80\ncontent-type: application/x-www-form-urlencoded\n\nform=a',
  );

/** As node:http hands a request on: the first line and the headers taken apart, the body as a stream. */
async function httpRequest(bytes: Uint8Array): Promise<string> {
  const [head = '', body = ''] = fromUtf8(bytes).split('\n\n', 2);
  const [first = '', ...lines] = head.split('\n');
  const [method = '', url = ''] = first.split(' ');
  const headers = Object.fromEntries(
    lines.map((line) => [line.split(':', 1)[0]?.toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const stream = Object.assign(Readable.from([utf8(body)]), { method, url, headers });
  const message = stream as unknown as IncomingMessage;
  const request = requestOf(message);
  const host = hostOf(message);
  must(host === undefined || /^[0-9a-z.:-]+$/.test(host), `host ${host}`);
  isFromHere(message, 'http');
  if (!request.ok) return request.error;
  if (request.value.type !== 'form') return request.value.type;
  const form = await readForm(message, request.value.form);
  return form.ok ? form.value.type : form.error;
}

/** A connection to the control socket, without one: what comes in comes in pieces, and what is answered is kept. */
class Line extends EventEmitter {
  readonly writableLength = 0;
  destroyed = false;
  answered = '';
  pause(): void {}
  resume(): void {}
  setTimeout(): void {}
  destroy(): void {
    this.destroyed = true;
  }
  write(text: string): void {
    this.answered += text;
  }
  end(text = ''): void {
    this.answered += text;
    this.destroyed = true;
  }
}

async function controlLines(bytes: Uint8Array): Promise<string> {
  const line = new Line();
  const late: (() => void)[] = [];
  const [first = 0, ...said] = bytes;
  new ControlClient(line as unknown as Socket, {
    rights: 'full',
    onRequest: ({ verb, payload, reply }) => {
      must(!('verb' in (JSON.parse(fromUtf8(payload)) as object)), 'the payload has the verb in it');
      const answer = (): void => reply({ ok: true, verb });
      // Some answers come at once, some later.
      if (verb.length % 2 === 0) answer();
      else late.push(answer);
    },
  });
  const step = (first % 16) + 1;
  for (let at = 0; at < said.length; at += step) line.emit('data', Buffer.from(said.slice(at, at + step)));
  for (let answer = late.shift(); answer !== undefined; answer = late.shift()) answer();
  const answers = line.answered.split('\n').slice(0, -1);
  const asked = fromUtf8(Uint8Array.from(said)).split('\n').slice(0, -1);
  must(answers.length === asked.filter((text) => text.trim() !== '').length, 'an answer for each line');
  const words = answers.map((text) => {
    const answer = JSON.parse(text) as { readonly ok: boolean; readonly error?: { readonly code: string } };
    return answer.ok ? 'done' : (answer.error?.code ?? '');
  });
  return [...new Set(words)].sort().join(' ') || 'nothing';
}

let folder: string | undefined;
function stateFolder(): string {
  if (folder !== undefined) return folder;
  const made = mkdtempSync(join(tmpdir(), 'rollcall-fuzz-'));
  process.on('exit', () => rmSync(made, { recursive: true, force: true }));
  folder = made;
  return made;
}

/** What an agent finds in the small files of `state_dir`. */
function stateFiles(bytes: Uint8Array): string {
  const where = stateFolder();
  for (const name of ['vlans.json', 'sso-barred.json', 'held-ports.json', 'bridge'])
    writeFileSync(join(where, name), bytes);
  const vlans = new VlanMemory(where, 'boot', 'br0').read();
  const bars = new SsoBars(where).read();
  const held = new HeldPorts(join(where, 'held-ports.json')).all();
  new BridgeNote(where, 'boot', { indexOf: () => 7, bridges: () => ['br0'] }).calledNow('br0');
  for (const read of [vlans, bars])
    must(read.ok || read.error.startsWith('read '), 'a sentence that says what');
  return `${vlans.ok ? vlans.value.length : '-'} ${bars.ok ? bars.value.length : '-'} ${Math.min(held.size, 3)}`;
}

/** Records of the data plane's library (native/include/portauth.h). */
function nativeRecords(bytes: Uint8Array): string {
  const buffer = new RecordBuffer(PORT_OCTETS, 1);
  buffer.bytes.set(bytes.subarray(0, PORT_OCTETS));
  const port = readPort(buffer, 0);
  must(port.name.length <= 16, 'a name of at most 16 letters');
  readName(buffer.bytes, 40);
  readVlan(buffer, 0);
  readAddress(buffer, 0);
  return readEvent(buffer, 0, () => undefined)?.type ?? 'none';
}

export const TARGETS: readonly Target[] = [
  ...CODECS.map(codecTarget),
  {
    name: 'radius-verify',
    covers: [
      'wire/radius-verify.ts verifyResponse',
      'wire/radius-verify.ts verifyAccountingOrDynamicRequest',
      'wire/radius-verify.ts verifyAccessRequest',
      'wire/radius-password.ts revealUserPassword',
    ],
    seeds: radiusSeeds,
    run: (packetBytes) => {
      const received = { packetBytes, secret: SECRET, requireMessageAuthenticator: true };
      const request = {
        code: packetBytes[0] ?? 0,
        identifier: packetBytes[1] ?? 0,
        authenticator: new Uint8Array(16),
      };
      const outcomes = [
        verifyAccessRequest(received),
        verifyAccountingOrDynamicRequest(received),
        verifyResponse({ ...received, request }),
      ];
      revealUserPassword(packetBytes, { secret: SECRET, authenticator: new Uint8Array(16) });
      for (const outcome of outcomes) must(!outcome.ok, 'a forgery is believed');
      return outcomes.map((outcome) => (outcome.ok ? '' : outcome.error.reason)).join(' ');
    },
  },
  {
    name: 'radius-stream',
    covers: ['wire/radius-stream.ts RadiusFramer'],
    seeds: radiusSeeds,
    run: (bytes) => {
      const framer = new RadiusFramer();
      const at = Math.min(bytes.length, bytes[0] ?? 0);
      const chunks = [framer.push(bytes.subarray(0, at)), framer.push(bytes.subarray(at))];
      const packets = chunks.flatMap((each) => (each.ok ? each.value : []));
      must(packets.reduce((sum, { length }) => sum + length, 0) <= bytes.length, 'more octets than came in');
      return chunks.every(({ ok }) => ok) ? `${Math.min(packets.length, 3)} packets` : 'broken';
    },
  },
  {
    name: 'table',
    covers: ['wire/fdb-table.ts forEachEntry', 'wire/fdb-table.ts decodeEntries'],
    seeds: tableSeeds,
    run: (bytes) => {
      let count = 0;
      forEachEntry(bytes, () => count++);
      must(decodeEntries(bytes).length === count, 'both ways of reading count the same');
      return `${Math.min(count, 3)} entries`;
    },
  },
  {
    name: 'record',
    covers: [
      'accounting/record-codec.ts decodeRecord',
      'accounting/spool.ts readSpool',
      'policy/certified-codec.ts readCertified',
      'radius/sso-login-codec.ts readLogins',
      'base/fields.ts readFields',
    ],
    seeds: recordSeeds,
    run: (bytes) => {
      const decoded = decodeRecord(bytes);
      readSpool([
        ['r0001', bytes],
        ['sabc', bytes],
        [fromUtf8(bytes.subarray(0, 8)), bytes],
      ]);
      const certified = readCertified([
        ['d02:00:00:00:00:01', bytes],
        [fromUtf8(bytes.subarray(0, 8)), bytes],
      ]);
      readLogins([[`${LOGIN_PREFIX}a`, bytes]]);
      return `${decoded.ok ? decoded.value.kind : decoded.error.reason} ${certified.damaged}`;
    },
  },
  {
    name: 'kept',
    covers: ['session/kept-codec.ts decodeKept', 'session/kept-codec.ts readKept'],
    seeds: keptSeeds,
    run: (bytes) => {
      const decoded = decodeKept(bytes);
      if (!decoded.ok) {
        const { damaged } = readKept([[`${KEPT_PREFIX}a`, bytes]]);
        must(damaged.length === 1, 'what cannot be read is told of');
        return decoded.error.reason;
      }
      const { value } = decoded;
      const again = decodeKept(encodeKept(value));
      must(again.ok && same(again.value, value), 'what is let in again is what was kept');
      must(readKept([[`${KEPT_PREFIX}${value.id}`, bytes]]).sessions.length === 1, 'it is found by its id');
      return `layer ${value.place.layer}`;
    },
  },
  {
    name: 'event',
    covers: ['report/event-codec.ts decodeEvent', 'report/event-codec.ts readEvents'],
    seeds: eventSeeds,
    run: (bytes) => {
      const decoded = decodeEvent(bytes);
      const { events, damaged } = readEvents([[eventKey(1), bytes]]);
      must(events.length + damaged.length === 1, 'it is read, or told of');
      if (!decoded.ok) return decoded.error.reason;
      const again = decodeEvent(encodeEvent(decoded.value));
      must(again.ok && same(again.value, decoded.value), 'what is published is what happened');
      const log = new EventLog({ bootId: 'b' });
      log.open({ events, damaged, lastRef: 1 }, instant(0));
      must(log.take()?.event.seq === decoded.value.seq, 'it is in the queue');
      return decoded.value.type;
    },
  },
  {
    name: 'control-line',
    covers: ['io/control/control-client.ts ControlClient'],
    seeds: () =>
      texts(
        ' {"verb":"info","id":1}\n',
        '\u0003{"verb":"subscribe"}\n{"verb":"sessions","id":"a"}\n\n{"verb":"ports"}\n',
        '\u0001not json\n[]\n{"id":7}\n',
      ),
    run: controlLines,
  },
  {
    name: 'state-files',
    covers: [
      'io/dataplane/vlan-memory.ts VlanMemory',
      'io/servers/sso-bars.ts SsoBars',
      'io/dataplane/held-ports.ts HeldPorts',
    ],
    seeds: () =>
      texts(
        '{"version":1,"found":[{"port":"p1","ifindex":7,"vlan":20,"member":{"pvid":true,"untagged":true}},{"vlan":30}]}',
        '{"version":1,"barred":[{"client":"192.0.2.10","nas_address":"192.0.2.1","session_id":"s1"}]}',
        '{"p1":"bounce","p2":"disable"}',
      ),
    run: stateFiles,
    dear: true,
  },
  {
    name: 'lock-file',
    covers: ['config/lock-file.ts readLockFile'],
    seeds: () => texts('bridge br0\nuplink up*\nport p*\nport p1 off\nport p[1-3] auto\n', '# nothing\n'),
    run: (bytes) => {
      const { bridge, locks } = readLockFile(fromUtf8(bytes));
      return `${bridge === undefined ? 'no bridge' : 'bridge'} ${['p1', 'p2', 'up0'].map((port) => locks(port)).join()}`;
    },
  },
  {
    name: 'native-records',
    covers: [
      'io/dataplane/portauth-abi.ts readName',
      'io/dataplane/portauth-abi.ts readAddress',
      'io/dataplane/portauth-abi.ts readVlan',
      'io/dataplane/portauth-abi.ts readPort',
      'io/dataplane/portauth-abi.ts readEvent',
    ],
    seeds: () =>
      Array.from({ length: 11 }, (_, type) =>
        Uint8Array.of(type, 0, 0, 0, 10, 0, 0, 0, ...utf8('p1 up0 lan1')),
      ),
    run: nativeRecords,
  },
  {
    name: 'command',
    covers: ['report/commands.ts decodeCommand'],
    seeds: () =>
      texts(
        'disconnect {"mac":"02:00:00:00:00:01","id":"a"}',
        'timers {"role":"default","period_s":5,"times":3}',
        'port {"port":"p1","control":"auto"}',
        'certified {"list":true,"limit":5}',
        'config {"check":"switch: {}"}',
        'sessions {}',
      ),
    run: (bytes) => {
      const [verb = '', ...rest] = fromUtf8(bytes).split(' ');
      const decoded = decodeCommand(verb, utf8(rest.join(' ')));
      return decoded.ok ? 'accepted' : decoded.error.code;
    },
  },
  textTarget(
    'topic',
    ['report/topics.ts parseTopic', 'report/topics.ts parseSessionKey'],
    () =>
      texts(
        'rollcall/v1/sw1/session/02-99-00-00-00-01',
        'rollcall/v1/sw1/session/ip-10.0.0.1',
        'rollcall/v1/sw1/command/ports',
      ),
    (text) => {
      const parsed = parseTopic(text);
      return parsed.ok ? parsed : undefined;
    },
  ),
  textTarget(
    'address',
    [
      'base/ip.ts parseIpv4',
      'base/ip.ts parseIpv6',
      'base/ip.ts parseIp',
      'base/mac.ts parseMac',
      'base/mac-prefix.ts parseMacPrefix',
    ],
    () =>
      texts(
        '192.0.2.1',
        '2001:db8::1',
        '::ffff:192.0.2.1',
        '02:99:00:00:00:01',
        '0299.0000.0001',
        '0000.5e',
        '00:00:5e:00:00:00/20',
      ),
    (text) => parseIp(text) ?? parseMac(text) ?? parseMacPrefix(text),
  ),
  {
    name: 'identity',
    covers: ['pae/identity.ts printable'],
    seeds: () => texts('u1', 'host/pc.example.net', '\u0000\u202e\u001b[31m'),
    run: (bytes) => {
      const shown = printable(bytes);
      must(!/\p{C}/u.test(shown), `control characters in ${JSON.stringify(shown)}`);
      return shown.length < bytes.length ? 'shorter' : shown.length > bytes.length ? 'longer' : 'as long';
    },
  },
  {
    name: 'config',
    covers: ['config/parse.ts parseConfig', 'config/yaml.ts readYaml', 'config/yaml.ts parseText'],
    seeds: () => [
      utf8(readFileSync('docs/rollcall.reference.yaml', 'utf8')),
      utf8(new Town(true, true).file(BASE)),
    ],
    dear: true,
    run: (bytes) => {
      const parsed = parseConfig(fromUtf8(bytes), NO_FILES);
      if (parsed.ok) return 'accepted';
      must(parsed.error.length > 0, 'refused without a fault');
      for (const { message } of parsed.error) must(message !== '', 'a fault without words');
      return `${Math.min(parsed.error.length, 5)} faults`;
    },
  },
  {
    name: 'http',
    covers: [
      'io/web/web-request.ts requestOf',
      'io/web/web-request.ts hostOf',
      'io/web/web-request.ts isFromHere',
      'io/web/web-request.ts readForm',
    ],
    seeds: REQUEST_SEEDS,
    run: httpRequest,
  },
  // The whole agent behind each of its doors: the PAE and MAB by frames, DAS, SSO, the fleet's topics.
  inTown('agent-frame', ['agent/frames.ts readFrameSign'], frameSeeds, (bytes) => ({
    type: 'frame',
    port: PORTS[(bytes[11] ?? 0) % PORTS.length] as PortName,
    bytes,
  })),
  inTown('agent-eapol', [], eapolSeeds, (bytes) => ({
    type: 'frame',
    port: PORTS[1] as PortName,
    bytes: concatBytes([EAPOL_HEAD, bytes.subarray(EAPOL_HEAD.length)]),
  })),
  inTown('agent-lease', [], frameSeeds, (bytes) => ({ type: 'lease-frame', bytes })),
  inTown('agent-routed', [], frameSeeds, (bytes) => ({ type: 'routed-frame', interface: 'vpn0', bytes })),
  inTown('agent-reply', [], radiusSeeds, (bytes) => ({
    type: 'datagram',
    socket: { kind: 'access', server: 0, n: 0 },
    address: SERVER,
    port: 1812,
    bytes,
  })),
  inTown(
    'agent-dynamic',
    [
      'radius/dynauth-request.ts readRequest',
      'radius/dynauth-keys.ts readKeys',
      'radius/dynauth-vendors.ts readVendors',
    ],
    dynamicSeeds,
    (bytes) => ({ type: 'dynamic-requests', datagrams: [{ address: SERVER, port: 40_000, bytes: bytes }] }),
  ),
  inTown('agent-sso', ['radius/sso-notice.ts readNotice'], ssoSeeds, (bytes) => ({
    type: 'sso-requests',
    datagrams: [{ address: CONCENTRATOR, port: 40_000, bytes: bytes }],
  })),
  inTown(
    'agent-fleet',
    [],
    () => texts('{"session_id":"x","started":"2025-01-31T00:00:00.000Z","authenticated":true,"port":"p1"}'),
    (bytes) => ({ type: 'followed', topic: 'rollcall/v1/sw2/session/02-99-00-00-00-01', payload: bytes }),
  ),
  inTown('agent-table', [], tableSeeds, (bytes) => ({
    type: 'table',
    dump: { at: instant(1_000_000), tookMs: 1, records: bytes },
  })),
];

/** Kept in the repository, a line of hexadecimal each: what once went wrong, or led somewhere new. */
export function corpusOf(name: string): readonly Uint8Array[] {
  const path = corpusPath(name);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => fromHex(line) ?? new Uint8Array(0));
}

/** From the repository's root. */
export function corpusPath(name: string): string {
  return `test/fuzz/corpus/${name}.txt`;
}
