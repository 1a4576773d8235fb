import type { AnyBulkWriteOperation, Collection } from 'mongodb';
import type { Claim, Lease } from '../../ports/delivery-store.ts';
import type { WakeUp } from '../../ports/wake-ups.ts';
import type { Bodies } from './bodies.ts';
import { newToken } from './commit-token.ts';
import type { HeldMessages } from './held-messages.ts';
import type { MessageDocument } from './message-documents.ts';
import type { ServerClock } from './server-clock.ts';
import { placeOf, placesOf } from './slot.ts';

export interface Claimant {
  readonly worker: string;
  readonly leaseMilliseconds: number;
}

export interface LeaseParts {
  readonly messages: Collection<MessageDocument>;
  readonly bodies: Bodies;
  readonly held: HeldMessages;
  readonly clock: ServerClock;
  /** Whether workers tell before they send an end of data: what they did not tell of was not sent, then. */
  readonly tellsDots: boolean;
}

/** A message to be claimed; `attempt` where only the try that a wake-up was sent for is meant. */
export type Wanted = Pick<WakeUp, 'id'> & Partial<Pick<WakeUp, 'attempt'>>;

/** Small bodies that come with one claim, in octets; the rest is read when it is its turn. */
const mostBodyBytes = 16 * 1024 * 1024;

interface Unsure extends Claimant {
  readonly claim: string;
  readonly ids: readonly string[];
}

/** Takes, prolongs and reads leases. Every write is conditional on what stands in the one record it is about. */
export class Leases {
  readonly #parts: LeaseParts;
  /** Claims of which it is not known whether they came to pass. */
  #unsure: Unsure[] = [];

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  /** Claims of these messages those that are still due and nobody's, in one round of conditional updates. */
  async claim(wanted: readonly Wanted[], claimant: Claimant): Promise<Claim[]> {
    if (wanted.length === 0) return [];
    const { messages, clock, tellsDots } = this.#parts;
    const claim = newToken();
    const now = Date.now();
    const until = clock.now() + claimant.leaseMilliseconds;
    const lease = { claim, worker: claimant.worker, claimedAt: now, until, ...(tellsDots ? { sent: [] } : {}) };
    const operations = wanted.map(
      ({ id, attempt }, n): AnyBulkWriteOperation<MessageDocument> => ({
        updateOne: {
          filter: { ...placeOf(id), due: { $lte: now }, ...(attempt === undefined ? {} : { claims: attempt }) },
          update: {
            $set: { lease: { ...lease, token: `${claim}.${n}` }, settled: [] },
            $unset: { due: 1, lane: 1, dispatchedAt: 1 },
            $inc: { rev: 1, claims: 1 },
          },
        },
      }),
    );
    const asked: Unsure = { ...claimant, claim, ids: wanted.map(({ id }) => id) };
    this.#unsure.push(asked);
    const { matchedCount } = await messages.bulkWrite(operations, { ordered: false });
    const claims = matchedCount > 0 ? await this.#read(asked) : [];
    this.#unsure = this.#unsure.filter((one) => one !== asked);
    return claims;
  }

  /** What an earlier round claimed without an answer that came. */
  async recover(): Promise<Claim[]> {
    const claims: Claim[] = [];
    for (const unsure of [...this.#unsure]) {
      const found = await this.#read(unsure);
      const leases = found.map(({ lease }) => lease);
      const lost = await this.renew(leases, unsure.leaseMilliseconds);
      claims.push(...found.filter(({ lease }) => !lost.includes(lease.token)));
      this.#unsure = this.#unsure.filter((one) => one !== unsure);
    }
    return claims;
  }

  /** Prolongs leases; answers the tokens that were lost. */
  async renew(leases: readonly Lease[], leaseMilliseconds: number): Promise<readonly string[]> {
    if (leases.length === 0) return [];
    const { messages, held, clock } = this.#parts;
    const sentAt = Date.now();
    const until = clock.now() + leaseMilliseconds;
    const operations = leases.map(
      ({ messageId, token }): AnyBulkWriteOperation<MessageDocument> => ({
        updateOne: {
          filter: { ...placeOf(messageId), 'lease.token': token },
          update: { $set: { 'lease.until': until } },
        },
      }),
    );
    const { matchedCount } = await messages.bulkWrite(operations, { ordered: false });
    const lost = new Set<string>();
    if (matchedCount < leases.length) {
      const rows = await messages
        .find(placesOf(leases.map(({ messageId }) => messageId)))
        .project<{ lease?: { token: string } }>({ _id: 0, 'lease.token': 1 })
        .toArray();
      const alive = new Set(rows.map(({ lease }) => lease?.token));
      for (const { token } of leases) if (!alive.has(token)) lost.add(token);
    }
    for (const lease of leases) {
      if (lost.has(lease.token)) continue;
      lease.until = sentAt + leaseMilliseconds;
      held.prolong(lease.token, leaseMilliseconds);
    }
    return [...lost];
  }

  /** Whether the lease holds; if so it is on record that the end of data may have been sent for these recipients. */
  async tellDot({ messageId, token }: Lease, recipients: readonly number[]): Promise<boolean> {
    const { matchedCount } = await this.#parts.messages.updateOne(
      { ...placeOf(messageId), 'lease.token': token },
      { $addToSet: { 'lease.sent': { $each: [...recipients] } } },
    );
    return matchedCount === 1;
  }

  /** The records claimed under a token, with their bodies where these are small. */
  async #read({ claim, ids, leaseMilliseconds }: Unsure): Promise<Claim[]> {
    const { messages, bodies, held } = this.#parts;
    const found = await messages.find({ ...placesOf(ids), 'lease.claim': claim }).toArray();
    const order = new Map(ids.map((id, index) => [id, index]));
    found.sort((a, b) => (order.get(a._id) ?? 0) - (order.get(b._id) ?? 0));
    let bytes = 0;
    const small = found.filter(({ chunks, size }) => {
      if (chunks > 1) return false;
      bytes += size;
      return bytes <= mostBodyBytes;
    });
    const read = await bodies.readFirst(small.map(({ _id }) => _id));
    return found.map((document) => held.add(document, read.get(document._id) ?? null, leaseMilliseconds));
  }
}
