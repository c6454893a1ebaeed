// A small program that needs every part that dist/ carries beside the bundle: it tells what it found, as JSON.

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import koffi from 'koffi';
import radius from 'radius';

radius.load_dictionaries();
const library = koffi.load(fileURLToPath(new URL('./libportauth.so', import.meta.url)));
const abiVersion = library.func('uint32_t pa_abi_version(void)') as () => number;
const pcap = createRequire(import.meta.url)('pcap') as { readonly lib_version: string };
process.stdout.write(
  `${JSON.stringify({
    abiVersion: abiVersion(),
    sessionTimeout: radius.attr_name_to_id('Session-Timeout'),
    pcap: pcap.lib_version,
    flags: process.execArgv,
    words: process.argv.slice(2),
  })}\n`,
);
