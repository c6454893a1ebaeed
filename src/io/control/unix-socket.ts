// Is there somebody behind a Unix socket? A file that a dead process left behind has nobody.

import { connect } from 'node:net';

/** True when somebody listens on it, or keeps us from finding out. */
export function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'),
    );
  });
}
