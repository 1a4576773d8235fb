import type { Claimed } from './claims.ts';
import type { ClaimAnswer } from './protocol.ts';

/** The answer to a claim: all small bodies in one buffer of their own, which is transferred. `until`: epoch milliseconds. */
export function packClaims(claim: number, claimed: readonly Claimed[], until: number): ClaimAnswer {
  let total = 0;
  for (const { body } of claimed) total += body?.length ?? 0;
  const slab = new ArrayBuffer(total);
  const bytes = new Uint8Array(slab);
  let offset = 0;
  const messages = claimed.map(({ seq, lease, facts, recipients, body }) => {
    const place = { offset, length: body?.length ?? -1 };
    if (body !== null) {
      bytes.set(body, offset);
      offset += body.length;
    }
    return { seq, lease, until, facts, recipients, ...place };
  });
  return { claim, messages, slab };
}
