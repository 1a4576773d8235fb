import type { Exit } from '../support/child.ts';
import type { FaultSeen } from './document.ts';
import type { MemoryUse } from './memory.ts';
import type { Verdict } from './verdict.ts';

/** By so many MB a process may grow between the second sixth of a run and its last. */
const allowedGrowth = 100;
/** A shorter run says nothing about memory, in milliseconds. */
const shortest = 30 * 60_000;

interface Seen {
  readonly faults: readonly FaultSeen[];
  readonly memory: readonly MemoryUse[];
  readonly verdict: Verdict;
  readonly began: number;
  readonly ended: number;
}

/** What should not have been, in words; nothing where all went as promised. */
export function judgement(
  { faults, memory, verdict, began, ended }: Seen,
  exits: readonly (Exit & { role: string })[],
): string[] {
  const { lost, changed, unexplained, stuck, refusals, conservation } = verdict;
  const failures: string[] = [...stuck];
  if (lost > 0) failures.push(`${lost} messages were lost`);
  if (changed > 0) failures.push(`${changed} messages were changed`);
  if (unexplained.length > 0) {
    failures.push(`more copies than ambiguous attempts: ${unexplained.slice(0, 5).join(' ')} (${unexplained.length})`);
  }
  if (!conservation.balanced) failures.push(`the sum does not balance: ${JSON.stringify(conservation)}`);
  for (const [reply, times] of refusals) {
    if (reply.startsWith('5')) failures.push(`refused for good, ${times} times: ${reply}`);
  }
  for (const { title, recovery, allowed } of faults) {
    if (recovery.whole > allowed) {
      failures.push(`${title}: ${recovery.whole / 1_000} s until all was well, ${allowed / 1_000} s are allowed`);
    }
  }
  if (ended - began >= shortest) {
    for (const { name, early, late } of memory) {
      if (late - early > allowedGrowth) failures.push(`${name} grew from ${early.toFixed(0)} to ${late.toFixed(0)} MB`);
    }
  }
  for (const { role, code, signal } of exits) {
    if (code !== 0) failures.push(`${role} ended with ${code ?? signal} when it was told to`);
  }
  return failures;
}
