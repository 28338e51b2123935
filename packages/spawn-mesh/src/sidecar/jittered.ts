/**
 * A wait somewhere between half of `delayMs` and all of it: programs that lost the same sidecar at the same
 * moment do not come back to it at the same moment.
 */
export function jittered(delayMs: number): number {
  return (delayMs * (1 + Math.random())) / 2;
}
