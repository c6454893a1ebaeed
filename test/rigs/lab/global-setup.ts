// Once per run of the lab, before the first file: are we able to, and is the house clean?

import { spawnSync } from 'node:child_process';
import { labCertificates } from './certificates.ts';
import { sweepFolders } from './folder.ts';
import { sweepNamespaces } from './netns.ts';

const PROGRAMS = [
  ...['ip', 'bridge', 'nft', 'ping', 'setpriv', 'python3', 'openssl', 'tcpdump', 'tshark'],
  ...['freeradius', 'wpa_supplicant', 'wpa_cli', 'hostapd', 'mosquitto', 'mosquitto_sub', 'mosquitto_pub'],
];

export default async function setup(): Promise<() => void> {
  if (process.getuid?.() !== 0) {
    throw new Error(
      'the lab makes network namespaces: run `make test` as root (unit tests alone: npx vitest run --project unit)',
    );
  }
  const missing = PROGRAMS.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
  if (missing.length > 0) throw new Error(`the lab needs ${missing.join(', ')}: run \`make deps\` as root`);
  sweep();
  // Or two files that begin at the same time would each make them.
  await labCertificates();
  return sweep;
}

function sweep(): void {
  sweepNamespaces();
  sweepFolders();
}
