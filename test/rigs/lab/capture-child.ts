// Runs captures inside a namespace and tells of them, a JSON line each; does what it is told, a word a line.
//   argv: the ports.  stdin: open PORT | reopen PORT TIMES | close PORT | close-on-frame PORT |
//   hear PORT [none|MAC,MAC...] (nothing: anybody) | lost PORT | descriptors.  It ends by itself when
//   standard input is at its end and nothing else keeps it.

import { readdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Mac } from '../../../src/base/mac.ts';
import { Capture } from '../../../src/io/dataplane/capture.ts';
import type { PortName } from '../../../src/model/dataplane.ts';

function tell(line: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

const closeOnFrame = new Set<string>();
const captures = new Map<string, Capture>();
for (const name of process.argv.slice(2)) {
  captures.set(
    name,
    new Capture(
      name as PortName,
      (port, frame) => {
        tell({ event: 'frame', port, hex: Buffer.from(frame).toString('hex') });
        if (closeOnFrame.has(port)) captures.get(port)?.close();
      },
      (port, reason) => tell({ event: 'error', port, reason }),
    ),
  );
}

function obey(line: string): void {
  const [word, port = '', times = '1'] = line.split(' ');
  const capture = captures.get(port);
  switch (word) {
    case 'open':
      tell({ event: 'opened', port, result: capture?.open() });
      return;
    case 'reopen':
      for (let n = 0; n < Number(times); n++) capture?.open();
      tell({ event: 'reopened', port, isOpen: capture?.isOpen });
      return;
    case 'close':
      capture?.close();
      tell({ event: 'closed', port });
      return;
    case 'close-on-frame':
      closeOnFrame.add(port);
      tell({ event: 'will-close', port });
      return;
    case 'hear':
      capture?.hear(times === '1' ? undefined : times === 'none' ? [] : (times.split(',') as Mac[]));
      tell({ event: 'hears', port });
      return;
    case 'lost':
      tell({ event: 'lost', port, count: capture?.takeLost() });
      return;
    case 'descriptors':
      tell({ event: 'descriptors', count: readdirSync('/proc/self/fd').length });
      return;
    default:
      tell({ event: 'unknown', line });
  }
}

createInterface({ input: process.stdin }).on('line', obey);
tell({ event: 'ready' });
