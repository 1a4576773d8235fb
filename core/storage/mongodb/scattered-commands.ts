import type { CollectionName } from './collections.ts';

/** A command whose filter does not carry the shard key: every shard is asked. */
export interface ScatteredCommand {
  readonly collection: CollectionName;
  readonly command: 'find' | 'aggregate' | 'delete';
  /** The fields of its filter, sorted, those within `$and` and `$or` among them. */
  readonly fields: readonly string[];
  /** Set where the filter may have more fields than these. */
  readonly more?: true;
  readonly what: string;
  readonly when: string;
}

const sweep = 'each sweep of each process (`worker.sweep`)';
const people = 'when a person or a program asks the API';
const rare = 'only where something was left behind';

/**
 * All of them, beside which every command on a sharded collection names its shards. None runs once a message: a contract
 * suite that sends another one fails.
 */
export const scatteredCommands: readonly ScatteredCommand[] = [
  {
    collection: 'messages',
    command: 'find',
    fields: ['dispatchedAt', 'due'],
    what: 'what is due and has no wake-up',
    when: 'twice a second and worker, and once more for each 500 messages found',
  },
  {
    collection: 'messages',
    command: 'find',
    fields: ['lease.until'],
    what: 'leases that ran out, the next one that will',
    when: `${sweep}; each look of an idle worker`,
  },
  { collection: 'messages', command: 'find', fields: ['generated.id'], what: 'reports left behind', when: sweep },
  { collection: 'messages', command: 'find', fields: ['events.at'], what: 'events left behind', when: sweep },
  { collection: 'messages', command: 'find', fields: ['outbox.at'], what: 'audit entries left behind', when: sweep },
  { collection: 'messages', command: 'find', fields: ['purgeAt'], what: 'captured mail past its time', when: sweep },
  {
    collection: 'messages',
    command: 'find',
    fields: ['finalDay'],
    what: 'the next day to close',
    when: sweep,
  },
  {
    collection: 'messages',
    command: 'find',
    fields: ['events.0', 'finalDay', 'generated.0', 'outbox.0', 'purgeAt'],
    what: 'records past their time',
    when: `${sweep}, and once more for each 500 found`,
  },
  {
    collection: 'messages',
    command: 'find',
    fields: ['at', 'buriedAt', 'outcome'],
    what: 'refusals and tombstones past their time',
    when: `${sweep}, and once more for each 500 found`,
  },
  {
    collection: 'messages',
    command: 'find',
    fields: ['due', 'postponedBy'],
    what: 'mail that waits for an upstream',
    when: 'when an upstream has come back, once for each 500 found',
  },
  { collection: 'messages', command: 'find', fields: ['at'], more: true, what: 'the log, the queue', when: people },
  {
    collection: 'messages',
    command: 'find',
    fields: ['open'],
    more: true,
    what: 'the queue by due time, its oldest mail',
    when: `${people}; at each scrape of the metrics`,
  },
  {
    collection: 'messages',
    command: 'aggregate',
    fields: ['open'],
    what: 'how much waits, by state',
    when: `${people}; at each scrape of the metrics`,
  },
  {
    collection: 'messages',
    command: 'aggregate',
    fields: ['lease.until'],
    what: 'how much is leased',
    when: `${people}; at each scrape of the metrics`,
  },
  {
    collection: 'messages',
    command: 'aggregate',
    fields: ['finalDay', 'open'],
    what: 'the conservation sum',
    when: people,
  },
  {
    collection: 'messages',
    command: 'aggregate',
    fields: ['finalDay'],
    what: 'the counts of a day that is closed',
    when: 'once a day',
  },
  {
    collection: 'messages',
    command: 'aggregate',
    fields: ['at', 'kind', 'origin'],
    more: true,
    what: 'recipients accepted of an account in a window',
    when: 'once an account and window after Redis lost its counters; a window that began since starts at 0',
  },
  {
    collection: 'bodies',
    command: 'find',
    fields: ['_id', 'at'],
    what: 'bodies not looked at yet',
    when: `${sweep}, and once more for each 500 found`,
  },
  { collection: 'bodies', command: 'find', fields: ['at'], what: 'the first bodies of a day', when: sweep },
  { collection: 'bodies', command: 'delete', fields: ['_id'], what: 'a body without a record', when: rare },
  ...(['statistics', 'domain_statistics', 'upstream_statistics'] as const).flatMap((collection): ScatteredCommand[] => [
    {
      collection,
      command: 'aggregate',
      fields: ['hour'],
      more: true,
      what: 'statistics of all owners, or by credential alone',
      when: people,
    },
    { collection, command: 'find', fields: ['hour'], what: 'sums of more than 400 days', when: sweep },
    { collection, command: 'delete', fields: ['_id'], what: 'those found', when: 'once for each 500 found' },
  ]),
  ...(['known_addresses', 'key_values', 'idempotency_keys'] as const).map(
    (collection): ScatteredCommand => ({
      collection,
      command: 'find',
      fields: [collection === 'known_addresses' ? 'at' : 'expiresAt', 'outbox.0'],
      what: 'what is past its time',
      when: sweep,
    }),
  ),
];
