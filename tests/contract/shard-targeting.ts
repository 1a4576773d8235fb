import type { CommandStartedEvent, Document, MongoClient } from 'mongodb';
import { type ScatteredCommand, scatteredCommands } from '../../core/storage/mongodb/scattered-commands.ts';
import { shardKeys } from '../../core/storage/mongodb/shard-keys.ts';

/** One read or write as a router of a sharded cluster would see it. */
export interface Routed {
  readonly collection: string;
  readonly command: 'find' | 'aggregate' | 'insert' | 'update' | 'delete' | 'findAndModify';
  /** The filter; the document, of an insert. */
  readonly filter: Document;
  /** Changes one document at most, or inserts it where there is none: the router needs to know which shard's. */
  readonly single: boolean;
}

/** What has to hold all the same where there are several conditions. */
function conjunction(filter: Document): Document[] {
  const { $and, ...rest } = filter;
  return [rest, ...(Array.isArray($and) ? $and.flatMap(conjunction) : [])];
}

/** All fields that a filter names, sorted. */
export function fieldsOf(filter: Document): string[] {
  const names = new Set<string>();
  for (const [name, value] of Object.entries(filter)) {
    if (name === '$and' || name === '$or') for (const one of value) for (const field of fieldsOf(one)) names.add(field);
    else names.add(name);
  }
  return [...names].sort();
}

const operatorsOf = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.keys(value).filter((name) => name.startsWith('$')) : [];
const isEqual = (value: unknown): boolean => value !== undefined && operatorsOf(value).every((name) => name === '$eq');
const isNamed = (value: unknown): boolean => isEqual(value) || operatorsOf(value).includes('$in');

/**
 * Whether a router knows from it alone which shards to ask: the first field of the key is one of given values. For what
 * changes a single document every field of the key has to be one value.
 */
export function isTargeted(key: Readonly<Record<string, 1 | 'hashed'>>, { command, filter, single }: Routed): boolean {
  const conditions = conjunction(filter);
  const holds = (field: string, test: (value: unknown) => boolean) => conditions.some((one) => test(one[field]));
  const [first = ''] = Object.keys(key);
  if (command === 'insert') return Object.keys(key).every((field) => filter[field] !== undefined);
  return single ? Object.keys(key).every((field) => holds(field, isEqual)) : holds(first, isNamed);
}

const isListed = ({ collection, command, filter, single }: Routed, listed: ScatteredCommand): boolean => {
  if (single || listed.collection !== collection || listed.command !== command) return false;
  const fields = fieldsOf(filter);
  if (listed.more !== true && fields.length !== listed.fields.length) return false;
  return listed.fields.every((field) => fields.includes(field));
};

/** What a command of the driver asks for; empty for what is no business of shards. */
export function routedOf({ commandName, command }: Pick<CommandStartedEvent, 'commandName' | 'command'>): Routed[] {
  const collection = String(command[commandName]);
  switch (commandName) {
    case 'find':
      return [{ collection, command: 'find', filter: command.filter ?? {}, single: false }];
    case 'aggregate':
      return [{ collection, command: 'aggregate', filter: command.pipeline[0]?.$match ?? {}, single: false }];
    case 'insert':
      return command.documents.map((filter: Document) => ({ collection, command: 'insert', filter, single: false }));
    case 'update':
      return command.updates.map(({ q, multi, upsert }: Document) => ({
        collection,
        command: 'update',
        filter: q,
        single: multi !== true || upsert === true,
      }));
    case 'delete':
      return command.deletes.map(({ q, limit }: Document) => ({
        collection,
        command: 'delete',
        filter: q,
        single: limit === 1,
      }));
    case 'findAndModify':
      return [{ collection, command: 'findAndModify', filter: command.query ?? {}, single: true }];
    default:
      return [];
  }
}

const isKnown = (collection: string): collection is keyof typeof shardKeys => collection in shardKeys;

/** Holds what clients send against the shard keys. */
export class ShardTargeting {
  /** By what it is about: `find messages (due, lane, slot)`. */
  readonly targeted = new Set<string>();
  readonly scattered = new Set<ScatteredCommand>();
  /** What neither names its shards nor is listed. */
  readonly problems = new Set<string>();

  /** The client has to be one that monitors commands. */
  watch(client: MongoClient): void {
    client.on('commandStarted', (event) => {
      for (const routed of routedOf(event)) this.hold(routed);
    });
  }

  hold(routed: Routed): void {
    const { collection, command, filter } = routed;
    const fields = command === 'insert' ? '' : ` (${fieldsOf(filter).join(', ')})`;
    const about = `${command} ${collection}${fields}`;
    if (!isKnown(collection)) {
      this.problems.add(`${about}: a collection without a place in core/storage/mongodb/shard-keys.ts`);
      return;
    }
    const { key } = shardKeys[collection];
    if (key === null) return;
    if (isTargeted(key, routed)) {
      this.targeted.add(about);
      return;
    }
    const listed = scatteredCommands.find((one) => isListed(routed, one));
    if (listed !== undefined) this.scattered.add(listed);
    else this.problems.add(`${about}: neither carries ${JSON.stringify(key)} nor is it in scattered-commands.ts`);
  }
}
