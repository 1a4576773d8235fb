import { type NextHop, nextHopKey } from '../../core/domain/next-hop.ts';
import { SmtpUpstream, type UpstreamParts } from './smtp-upstream.ts';
import { nextHopSettings } from './upstream-settings.ts';

interface Known {
  readonly upstream: SmtpUpstream;
  /** Deliveries that use it now. */
  users: number;
}

/** Servers remembered with their breaker, beyond those in use. */
const mostKept = 200;

/**
 * The servers that routes named and no configuration lists. Each has a pool and a breaker of its own from its first use
 * on; those used longest ago are forgotten. Their state is on no board: there may be any number of them.
 */
export class NextHops {
  readonly #parts: UpstreamParts;
  /** By all that their sessions depend on; the last used comes last. */
  readonly #known = new Map<string, Known>();

  constructor(parts: UpstreamParts) {
    this.#parts = { ...parts, board: { report: () => {} } };
  }

  get size(): number {
    return this.#known.size;
  }

  /** The upstream for one delivery; `done` is owed afterwards. */
  use(hop: NextHop): { readonly upstream: SmtpUpstream; done(): void } {
    const key = nextHopKey(hop);
    const known = this.#known.get(key) ?? { upstream: new SmtpUpstream(nextHopSettings(hop), this.#parts), users: 0 };
    this.#known.delete(key);
    this.#known.set(key, known);
    known.users += 1;
    this.#forgetOldest();
    return {
      upstream: known.upstream,
      done: () => {
        known.users -= 1;
        this.#forgetOldest();
      },
    };
  }

  close(): void {
    for (const { upstream } of this.#known.values()) upstream.close();
    this.#known.clear();
  }

  #forgetOldest(): void {
    if (this.#known.size <= mostKept) return;
    for (const [key, { upstream, users }] of this.#known) {
      if (users > 0) continue;
      this.#known.delete(key);
      upstream.close();
      if (this.#known.size <= mostKept) return;
    }
  }
}
