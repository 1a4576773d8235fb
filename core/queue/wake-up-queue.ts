import type { WakeUpSender } from '../storage/ports/wake-ups.ts';

/** A queue of wake-ups between processes. */
export interface WakeUpQueue extends WakeUpSender {
  /** How many more wake-ups the queue takes; rejects while it cannot be reached. */
  room(): Promise<number>;
}
