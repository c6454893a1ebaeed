// How long the lab waits before it gives up, and how soon its switches take a client for gone (LAB_TIMING). Both are for
// machines like the CI's; one that is slower, as an emulated one is (test/other-kernel.sh), says by how much:
// ROLLCALL_LAB_SLOWER. What a test measures is not stretched.

const SLOWER = Number(process.env.ROLLCALL_LAB_SLOWER ?? 1);

/** Such a time, in any unit, on this machine. */
export function patience(limit: number): number {
  return limit * SLOWER;
}
