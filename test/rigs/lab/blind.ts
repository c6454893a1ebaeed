// The data plane of a switch that cannot tell when an entry was last used: our own library with the capability taken out
// of its answer, loaded as a vendor's is. What makes it true is `learning off`, with which the kernel refreshes nothing.

import path from 'node:path';
import { LabFolder } from './folder.ts';
import type { LabSwitch } from './netns.ts';
import { must } from './process.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');

export interface BlindDataplane {
  /** For `backend`. */
  readonly library: string;
  close(): void;
}

/** Compiles it; `make build` comes first. */
export async function buildBlindDataplane(): Promise<BlindDataplane> {
  const folder = new LabFolder('blind');
  const dist = path.join(ROOT, 'dist');
  const library = folder.file('libblind.so');
  const include = path.join(ROOT, 'native/include');
  const flags = [
    '-std=c11',
    '-Wall',
    '-Werror',
    '-shared',
    '-fPIC',
    `-I${include}`,
    `-L${dist}`,
    `-Wl,-rpath,${dist}`,
    '-Wl,--no-as-needed',
  ];
  await must(['cc', ...flags, '-o', library, folder.write('blind.c', SOURCE), '-lportauth']);
  return { library, close: () => folder.remove() };
}

/** After the agent has locked the port: a lock turns learning on. */
export async function blind(lab: LabSwitch, port: string): Promise<void> {
  await lab.netns.must(['bridge', 'link', 'set', 'dev', port, 'learning', 'off']);
}

/** A vendor's library is opened with the bridge's name alone. Everything else is found in the library behind. */
const SOURCE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include "portauth.h"

int pa_open(const char *spec, struct pa_handle **out) {
    int (*real)(const char *, struct pa_handle **) = dlsym(RTLD_NEXT, "pa_open");
    char ours[64];
    snprintf(ours, sizeof ours, "switchdev:%s", spec);
    return real(ours, out);
}

int pa_capabilities(struct pa_handle *handle, struct pa_capabilities *out) {
    int (*real)(struct pa_handle *, struct pa_capabilities *) = dlsym(RTLD_NEXT, "pa_capabilities");
    const int result = real(handle, out);
    out->flags &= ~PA_CAP_LAST_SEEN;
    return result;
}
`;
