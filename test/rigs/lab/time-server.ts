// chronyd of the lab's own: it tells the time of this machine to whoever asks, and sets no clock.

import { LabFolder } from './folder.ts';
import type { Netns } from './netns.ts';
import { LabServer } from './server.ts';

export class TimeServer extends LabServer {
  /** Answers when this returns, on port 123 of every address in the namespace. */
  static async start(netns: Netns): Promise<TimeServer> {
    const folder = new LabFolder('chrony');
    folder.write('chrony.conf', configuration(folder));
    const server = new TimeServer(netns, folder);
    await server.start();
    return server;
  }

  start(): Promise<void> {
    const argv = ['chronyd', '-x', '-d', '-u', 'root', '-f', this.folder.file('chrony.conf')];
    return this.launch(argv, /Disabled control of system clock/);
  }
}

/** A clock that is believed without another; no hands for chronyc. */
function configuration(folder: LabFolder): string {
  return `local stratum 8
allow all
cmdport 0
bindcmdaddress /
pidfile ${folder.file('pid')}
`;
}
