// A FreeRADIUS 3.2 of the lab's own, in the switch's namespace, on its loopback only. It demands Message-Authenticator,
// logs users in by PEAP-MSCHAPv2, TTLS-PAP, TLS, EAP-MD5, PAP and CHAP, and writes every accounting record down.

import { existsSync, readFileSync } from 'node:fs';
import { labCertificates } from './certificates.ts';
import { LabFolder } from './folder.ts';
import type { RadiusSettings, RadiusUser } from './freeradius-config.ts';
import { radiusdConf, repliesFile, usersFile } from './freeradius-config.ts';
import type { Netns } from './netns.ts';
import { until } from './process.ts';
import { LabServer } from './server.ts';

export const RADIUS_SECRET = 'testing123';

/** One accounting request as the server wrote it: attribute names and values as FreeRADIUS prints them, unquoted. */
export type DetailRecord = Readonly<Record<string, string>>;

export interface FreeRadiusOptions {
  readonly users: readonly RadiusUser[];
  /** Default 127.0.0.1; `::1` is possible. */
  readonly address?: string;
  /** Of its one client; the server's own if absent. */
  readonly client?: string;
  readonly authPort?: number;
  readonly acctPort?: number;
  readonly firstMethod?: 'md5' | 'peap' | 'ttls' | 'tls';
  readonly fragmentSize?: number;
  /** Of its one client; the lab's own if absent. */
  readonly secret?: string;
  /** RADIUS over TLS, beside UDP. */
  readonly radSec?: RadiusSettings['radSec'];
  /** Keeps a table of sessions, too, by the SQL that FreeRADIUS comes with: see `sessionTable`. */
  readonly sql?: boolean;
}

/** A row of FreeRADIUS' own table of sessions. */
export interface SessionRow {
  readonly sessionId: string;
  readonly start: number;
  /** Null: it is open. */
  readonly stop: number | null;
  readonly timeS: number;
  readonly cause: string;
}

export class FreeRadius extends LabServer {
  /** Running, and ready to answer, when this returns. */
  static async start(netns: Netns, options: FreeRadiusOptions): Promise<FreeRadius> {
    const folder = new LabFolder('freeradius');
    folder.write(
      'radiusd.conf',
      radiusdConf({
        folder: folder.path,
        certificates: await labCertificates(),
        secret: options.secret ?? RADIUS_SECRET,
        address: options.address ?? '127.0.0.1',
        client: options.client ?? options.address ?? '127.0.0.1',
        ...(options.radSec === undefined ? {} : { radSec: options.radSec }),
        authPort: options.authPort ?? 1812,
        acctPort: options.acctPort ?? 1813,
        firstMethod: options.firstMethod ?? 'md5',
        fragmentSize: options.fragmentSize ?? 1024,
        sql: options.sql ?? false,
      }),
    );
    folder.write('dictionary', '');
    folder.write('users', usersFile(options.users));
    folder.write('replies', repliesFile(options.users));
    const server = new FreeRadius(netns, folder);
    await server.start();
    return server;
  }

  /** The accounting log goes on. What it logs: `Login OK: [alice] ...`, `Login incorrect ...`. */
  start(): Promise<void> {
    const argv = ['freeradius', '-f', '-l', 'stdout', '-n', 'radiusd', '-d', this.folder.path];
    return this.launch(argv, /Ready to process requests/);
  }

  /** Changes users: the server is started again, since a SIGHUP does not tell when it is done. */
  async setUsers(users: readonly RadiusUser[]): Promise<void> {
    await this.stop();
    this.folder.write('users', usersFile(users));
    this.folder.write('replies', repliesFile(users));
    await this.start();
  }

  accounting(): readonly DetailRecord[] {
    const file = this.folder.file('accounting.detail');
    return existsSync(file) ? parseDetail(readFileSync(file, 'utf8')) : [];
  }

  /** With `sql` alone; in the order of their beginning. Times are Unix seconds. */
  async sessionTable(): Promise<readonly SessionRow[]> {
    const rows = await this.netns.must(['python3', '-c', SESSION_TABLE, this.folder.file('radacct.db')]);
    return JSON.parse(rows) as readonly SessionRow[];
  }

  /** The first record that has all these values, as soon as it is there. */
  waitForAccounting(wanted: DetailRecord, timeoutMs = 10_000): Promise<DetailRecord> {
    const entries = Object.entries(wanted);
    return until(
      `an accounting record with ${JSON.stringify(wanted)}`,
      () =>
        this.accounting().find((record) => entries.every(([name, value]) => record[name] === value)) ?? null,
      timeoutMs,
    );
  }
}

const SESSION_TABLE = `import json, sqlite3, sys
rows = sqlite3.connect(sys.argv[1]).execute(
    "SELECT acctsessionid, acctstarttime, acctstoptime, acctsessiontime, acctterminatecause FROM radacct ORDER BY radacctid")
keys = ("sessionId", "start", "stop", "timeS", "cause")
print(json.dumps([dict(zip(keys, row)) for row in rows]))`;

/** The detail file: a line of time, indented `Name = value` lines, an empty line. A repeated name keeps its last value. */
export function parseDetail(text: string): readonly DetailRecord[] {
  return text
    .split(/\n\n+/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const record: Record<string, string> = {};
      for (const line of block.split('\n')) {
        const match = /^\t([^ ]+) = (.*)$/.exec(line);
        if (match?.[1] !== undefined && match[2] !== undefined)
          record[match[1]] = match[2].replace(/^"(.*)"$/, '$1');
      }
      return record;
    });
}
