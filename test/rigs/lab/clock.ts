// A clock of the agent's own, that can be stepped while it runs: a library before the C library's, which adds to the time of day what
// a file says. The machine's clock is left alone, and with it everybody else's; the monotonic clock is not touched.

import { writeFileSync } from 'node:fs';
import { LabFolder } from './folder.ts';
import { must } from './process.ts';

const OFFSET_OCTETS = 8;

export class LabClock {
  readonly #folder: LabFolder;
  readonly #library: string;
  readonly #offset: string;
  #stepMs = 0;

  private constructor(folder: LabFolder) {
    this.#folder = folder;
    this.#library = folder.file('clock.so');
    this.#offset = folder.write('offset', '\0'.repeat(OFFSET_OCTETS));
  }

  static async create(): Promise<LabClock> {
    const clock = new LabClock(new LabFolder('clock'));
    const source = clock.#folder.write('clock.c', SOURCE);
    await must([
      'cc',
      '-std=c11',
      '-Wall',
      '-Werror',
      '-shared',
      '-fPIC',
      '-O1',
      '-o',
      clock.#library,
      source,
    ]);
    return clock;
  }

  /** What a program is started with that is to live by it. */
  get env(): Readonly<Record<string, string>> {
    return { LD_PRELOAD: this.#library, LAB_CLOCK: this.#offset };
  }

  /** By so much, forwards or back, at once. */
  step(ms: number): void {
    this.#stepMs += ms;
    const octets = Buffer.alloc(OFFSET_OCTETS);
    octets.writeBigInt64LE(BigInt(this.#stepMs));
    // In place: it is mapped.
    writeFileSync(this.#offset, octets, { flag: 'r+' });
  }

  /** What it shows. */
  now(): number {
    return Date.now() + this.#stepMs;
  }

  close(): void {
    this.#folder.remove();
  }
}

const SOURCE = `
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static const volatile int64_t *offset_ms;

__attribute__((constructor)) static void find_offset(void) {
    const char *path = getenv("LAB_CLOCK");
    const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *at = fd >= 0 ? mmap(NULL, sizeof *offset_ms, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (at != MAP_FAILED) offset_ms = at;
}

static int64_t stepped_ns(int64_t seconds, int64_t ns) {
    return seconds * 1000000000 + ns + (offset_ms ? *offset_ms : 0) * 1000000;
}

int clock_gettime(clockid_t clock, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    const int result = real(clock, at);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        const int64_t ns = stepped_ns(at->tv_sec, at->tv_nsec);
        *at = (struct timespec){ns / 1000000000, ns % 1000000000};
    }
    return result;
}

int gettimeofday(struct timeval *restrict at, void *restrict zone) {
    (void)zone;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    *at = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *out) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
`;
