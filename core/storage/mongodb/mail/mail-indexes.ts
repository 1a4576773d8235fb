import type { Index } from '../indexes.ts';

const open = { open: true };
const due = { due: { $exists: true } };
const final = { finalDay: { $exists: true } };
const neverMail = { outcome: { $exists: true } };

/** What each is for; those of the queue hold open mail only. Written down with their costs in docs/decisions/0007. */
export const mailIndexes: readonly Index[] = [
  // The log, newest first: all of it, and by what is searched for.
  { collection: 'messages', key: { at: -1, _id: -1 } },
  { collection: 'messages', key: { owner: 1, at: -1, _id: -1 } },
  { collection: 'messages', key: { credential: 1, at: -1, _id: -1 } },
  { collection: 'messages', key: { terms: 1, at: -1, _id: -1 } },
  { collection: 'messages', key: { states: 1, at: -1, _id: -1 } },
  { collection: 'messages', key: { 'recipients.upstream': 1, at: -1, _id: -1 } },
  // Claims; then the dispatcher of wake-ups.
  { collection: 'messages', key: { lane: 1, slot: 1, due: 1 }, only: due },
  { collection: 'messages', key: { dispatchedAt: 1, due: 1 }, only: due },
  // The queue as people see it, and its sums.
  { collection: 'messages', key: { open: 1, queueAt: 1, _id: 1 }, only: open },
  { collection: 'messages', key: { owner: 1, queueAt: 1, _id: 1 }, only: open },
  { collection: 'messages', key: { open: 1, at: 1, _id: 1 }, only: open },
  { collection: 'messages', key: { open: 1, origin: 1, tally: 1, units: 1 }, only: open },
  // Leases that end, mail that a breaker holds back, reports on their way.
  { collection: 'messages', key: { 'lease.until': 1 }, sparse: true },
  { collection: 'messages', key: { postponedBy: 1 }, sparse: true },
  { collection: 'messages', key: { 'generated.id': 1 }, sparse: true },
  // Conservation and retention.
  { collection: 'messages', key: { finalDay: 1, origin: 1, tally: 1, units: 1 }, only: final },
  { collection: 'messages', key: { purgeAt: 1 }, sparse: true },
  { collection: 'messages', key: { outcome: 1, at: 1 }, only: neverMail },
  { collection: 'bodies', key: { at: 1 } },
  { collection: 'statistics', key: { hour: 1, owner: 1, credential: 1 } },
  { collection: 'domain_statistics', key: { hour: 1, owner: 1 } },
  { collection: 'upstream_statistics', key: { hour: 1, owner: 1 } },
];
