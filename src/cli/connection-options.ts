// Whom a command asks: the agent of this switch, over its control socket, or that of any switch, over the broker.

import { type Command, Option } from 'commander';
import { isBrokerUrl } from '../config/formats.ts';
import { filePath, waitingTime } from './arguments.ts';
import { type Connection, DEFAULT_CONFIG, DEFAULT_SOCKET } from './session.ts';

/** With the options that say whom it asks. */
export function withConnection(command: Command): Command {
  return command
    .option(
      '--socket <path>',
      `control socket (default: that of ${DEFAULT_CONFIG}, else ${DEFAULT_SOCKET})`,
      filePath,
    )
    .addOption(new Option('--broker <url>', 'ask over MQTT 5 instead').conflicts('socket'))
    .option('--switch <id>', 'the switch to ask, with --broker')
    .option('--username <name>', 'at the broker')
    .option('--password-file <file>', 'whose first line is the password at the broker')
    .option('--ca-file <file>', 'PEM: who signs the certificate of the broker (mqtts://, wss://)')
    .option('--cert-file <file>', 'PEM: the certificate that is shown to the broker, with --key-file')
    .option('--key-file <file>', 'PEM: its key')
    .option('--timeout <seconds>', 'how long to wait for an answer', waitingTime, 10)
    .hook('preAction', () => {
      const { broker, switch: id, certFile, keyFile } = command.opts<Connection>();
      if ((broker === undefined) !== (id === undefined))
        command.error('error: --broker and --switch go together');
      if ((certFile === undefined) !== (keyFile === undefined))
        command.error('error: --cert-file and --key-file go together');
      if (broker !== undefined && !isBrokerUrl(broker))
        command.error(
          'error: --broker is mqtt://, mqtts://, ws:// or wss:// with a host (IPv6 in brackets), and perhaps a port 1..65535',
        );
    });
}
