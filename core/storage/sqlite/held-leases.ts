import type { MessagePort } from 'node:worker_threads';
import type { Lease } from './protocol.ts';

interface Held extends Lease {
  readonly holder: MessagePort;
  until: number;
}

/**
 * Who holds what until when. In memory and by the monotonic clock: a step of the system's clock ends no lease, and
 * after a restart every lease is dead anyway.
 */
export class HeldLeases {
  readonly #held = new Map<number, Held>();

  add(lease: Lease, holder: MessagePort, milliseconds: number): void {
    this.#held.set(lease.seq, { ...lease, holder, until: performance.now() + milliseconds });
  }

  /** False where the lease is gone. */
  renew({ seq, lease }: Lease, milliseconds: number): boolean {
    const held = this.#held.get(seq);
    if (held === undefined || held.lease !== lease) return false;
    held.until = performance.now() + milliseconds;
    return true;
  }

  end({ seq, lease }: Lease): void {
    if (this.#held.get(seq)?.lease === lease) this.#held.delete(seq);
  }

  expired(): Lease[] {
    const now = performance.now();
    return [...this.#held.values()].filter(({ until }) => until <= now);
  }

  of(holder: MessagePort): Lease[] {
    return [...this.#held.values()].filter((held) => held.holder === holder);
  }
}
