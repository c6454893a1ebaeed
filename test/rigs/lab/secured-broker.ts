// mosquitto as docs/examples/ sets it up, word for word but for the folders: TLS alone, a listener for switches and one for
// people, an access list for each. Beside it a listener on loopback without rules, by which the lab hears everything.

import { copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { authority, type Issued, issue } from './certificates.ts';
import { LabFolder } from './folder.ts';
import type { Netns } from './netns.ts';
import type { Finished, LabProcess } from './process.ts';

const EXAMPLES = path.resolve(import.meta.dirname, '../../../docs/examples');
const WITNESS_PORT = 11883;
const HOST = '127.0.0.1';

export class SecuredBroker {
  static readonly switchesUrl = `mqtts://${HOST}:8883`;
  static readonly peopleUrl = `mqtts://${HOST}:8884`;

  #process: LabProcess | undefined;
  #witness: LabProcess | undefined;

  private constructor(
    readonly netns: Netns,
    readonly folder: LabFolder,
    readonly authorities: Readonly<Record<'broker' | 'switches' | 'people' | 'strangers', Issued>>,
  ) {}

  static async open(netns: Netns): Promise<SecuredBroker> {
    const folder = new LabFolder('secured');
    const made = (name: string) => authority(folder.path, `${name}-ca`);
    const broker = new SecuredBroker(netns, folder, {
      broker: await made('broker'),
      switches: await made('switches'),
      people: await made('people'),
      strangers: await made('strangers'),
    });
    const example = (name: string): string => readFileSync(path.join(EXAMPLES, name), 'utf8');
    for (const list of ['mosquitto-switches.acl', 'mosquitto-people.acl']) folder.write(list, example(list));
    const conf = example('mosquitto.conf')
      .replaceAll('/etc/mosquitto/rollcall/', `${folder.path}/`)
      .replace('persistence_location /var/lib/mosquitto/', `persistence_location ${folder.path}/`);
    const witness = `listener ${WITNESS_PORT} ${HOST}\nallow_anonymous true\n`;
    folder.write('mosquitto.conf', `user root\nlog_dest stderr\nlog_type all\n${conf}\n${witness}`);
    await broker.certify({});
    await broker.start();
    return broker;
  }

  /** The broker's own certificate; it reads it at its start. */
  async certify(wanted: {
    readonly expired?: boolean;
    readonly by?: Issued;
    readonly names?: string;
  }): Promise<void> {
    const { certificate, key } = await issue(this.folder.path, 'made', {
      commonName: 'broker',
      usage: 'serverAuth',
      names: wanted.names ?? `IP:${HOST}`,
      authority: wanted.by ?? this.authorities.broker,
      expired: wanted.expired === true,
    });
    copyFileSync(certificate, this.folder.file('broker.pem'));
    copyFileSync(key, this.folder.file('broker.key'));
  }

  /** A client's certificate. */
  client(name: string, by: Issued, file = name): Promise<Issued> {
    const request = { commonName: name, usage: 'clientAuth', names: `DNS:${name}`, authority: by } as const;
    return issue(this.folder.path, file, request);
  }

  async start(): Promise<void> {
    this.#process = this.netns.start({
      name: 'mosquitto, secured',
      argv: ['mosquitto', '-c', this.folder.file('mosquitto.conf')],
    });
    await this.#process.waitForLine(/mosquitto version .* running/);
    const format = ['--retain-as-published', '-F', '%t %p'];
    this.#witness = this.netns.start({
      name: 'mosquitto_sub, the witness',
      argv: ['stdbuf', '-oL', 'mosquitto_sub', '-V', '5', '-p', `${WITNESS_PORT}`, '-t', '#', ...format],
    });
    await this.#process.waitForLine(/Sending SUBACK to auto-/);
  }

  async stop(): Promise<void> {
    await this.#witness?.stop();
    await this.#process?.stop();
  }

  /** What the broker says of itself. */
  get log(): readonly string[] {
    return this.#process?.lines ?? [];
  }

  /** Everything that it has passed on since its start, as `topic payload`. */
  get heard(): readonly string[] {
    return this.#witness?.lines ?? [];
  }

  waitForMessage(pattern: RegExp): Promise<string> {
    if (this.#witness === undefined) throw new Error('the broker is not running');
    return this.#witness.waitForLine(pattern);
  }

  /** As whoever has the certificate; code 0 if the broker has taken it. */
  async publish(
    as: Issued,
    port: number,
    topic: string,
    payload: string,
    more: readonly string[] = [],
  ): Promise<Finished> {
    const finished = await this.netns.run([
      ...['mosquitto_pub', '-V', '5', '-q', '1', '-t', topic, '-m', payload, ...this.#tls(as, port), ...more],
    ]);
    // mosquitto_pub says it, and ends with 0 all the same.
    const refused = /not authorized/i.test(finished.stderr + finished.stdout);
    return refused && finished.code === 0 ? { ...finished, code: 135 } : finished;
  }

  subscribe(as: Issued, port: number, topic: string): LabProcess {
    const argv = [
      'stdbuf',
      '-oL',
      'mosquitto_sub',
      '-V',
      '5',
      '-q',
      '1',
      '-t',
      topic,
      '-v',
      ...this.#tls(as, port),
    ];
    return this.netns.start({ name: `mosquitto_sub ${topic}`, argv });
  }

  #tls({ certificate, key }: Issued, port: number): string[] {
    const ca = this.authorities.broker.certificate;
    return ['-h', HOST, '-p', `${port}`, '--cafile', ca, '--cert', certificate, '--key', key];
  }

  async close(): Promise<void> {
    await this.stop();
    this.folder.remove();
  }
}
