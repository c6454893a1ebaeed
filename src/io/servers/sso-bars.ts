// Which logins at concentrators somebody has put out, on disk: the next start does not let them in by their next Interim.
// One small file, replaced whole.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from 'typebox';
import { Check } from 'typebox/value';
import { parseIp } from '../../base/ip.ts';
import { err, ok, type Result } from '../../base/result.ts';
import type { Bar } from '../../radius/sso-ends.ts';
import { attempt, replaceFile } from '../files.ts';

const Words = Type.String({ maxLength: 253 });
const Memory = Type.Object({
  version: Type.Literal(1),
  barred: Type.Array(
    Type.Object({
      client: Words,
      nas_identifier: Type.Optional(Words),
      nas_address: Type.Optional(Words),
      session_id: Words,
    }),
    { maxItems: 1_000_000 },
  ),
});

export class SsoBars {
  private readonly path: string;

  constructor(stateDir: string) {
    this.path = join(stateDir, 'sso-barred.json');
  }

  read(): Result<readonly Bar[], string> {
    const read = attempt((): Result<unknown, string> => {
      try {
        return ok(JSON.parse(readFileSync(this.path, 'utf8')));
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return ok({ version: 1, barred: [] });
        throw cause;
      }
    });
    if (!read.ok) return err(`read ${this.path}: ${read.error}`);
    if (!Check(Memory, read.value)) return err(`read ${this.path}: it is not what an agent writes`);
    return ok(
      read.value.barred.flatMap(
        ({ client, nas_identifier: identifier, nas_address, session_id: sessionId }) => {
          const from = parseIp(client);
          const address = nas_address === undefined ? undefined : parseIp(nas_address);
          const nas = {
            ...(identifier === undefined ? {} : { identifier }),
            ...(address === undefined ? {} : { address }),
          };
          return from === undefined ? [] : [{ client: from, nas, sessionId }];
        },
      ),
    );
  }

  /** On disk when it returns. */
  write(bars: readonly Bar[]): Result<void, string> {
    const barred = bars.map(({ client, nas: { identifier, address }, sessionId }) => ({
      client,
      nas_identifier: identifier,
      nas_address: address,
      session_id: sessionId,
    }));
    const written = replaceFile(this.path, `${JSON.stringify({ version: 1, barred })}\n`);
    return written.ok ? written : err(`write ${this.path}: ${written.error}`);
  }
}
