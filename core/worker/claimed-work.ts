import type { Claim, Lease } from '../storage/ports/delivery-store.ts';

/** A claimed message while this worker holds its lease. */
export class ClaimedWork {
  readonly claim: Claim;
  /** Transactions not yet settled; the settlement that makes it 0 ends the lease. */
  open = 0;
  #lost = false;
  #controller: AbortController | null = null;

  constructor(claim: Claim) {
    this.claim = claim;
  }

  get lease(): Lease {
    return this.claim.lease;
  }

  /** True once the lease is somebody else's: nothing of this work may be written any more. */
  get lost(): boolean {
    return this.#lost;
  }

  /** Aborts when the lease is lost, or the worker cannot wait any longer. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  lose(): void {
    this.#lost = true;
    this.abort('the lease was lost');
  }

  abort(reason: string): void {
    this.#controller?.abort(new Error(reason));
  }
}
