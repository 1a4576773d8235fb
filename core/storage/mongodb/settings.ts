import type { Clock } from '../../domain/clock.ts';
import {
  keptSettingsVersions,
  type NewSettingsVersion,
  type SettingsStore,
  type SettingsVersion,
} from '../ports/settings.ts';
import type { MongodbDatabase } from './client.ts';
import { type EventCarrier, type PendingEvent, pendingEvent } from './events/event-documents.ts';
import type { EventPublisher } from './events/event-publisher.ts';
import type { Index } from './indexes.ts';
import { isDuplicateKey } from './store-error.ts';

/** `_id` is the version's number. */
export interface SettingsDocument extends EventCarrier<number> {
  /**
   * Several may be `current` for a moment, since no two documents change at once: the highest of them is, and the others
   * read as superseded.
   */
  readonly state: SettingsVersion['state'];
  readonly reason: string | null;
  /** JSON of a `NewSettingsVersion`. */
  readonly version: string;
}

export const settingsIndexes: readonly Index[] = [{ collection: 'settings', key: { state: 1, _id: -1 } }];

function versionOf({ _id, state, reason, version }: SettingsDocument, current: number): SettingsVersion {
  const told: NewSettingsVersion = JSON.parse(version);
  return { ...told, state: state === 'current' && _id < current ? 'superseded' : state, reason };
}

export function mongodbSettings(database: MongodbDatabase, publisher: EventPublisher, clock: Clock): SettingsStore {
  const settings = database.collection('settings');
  const highest = async (filter: { state?: 'current' }): Promise<SettingsDocument | null> =>
    database.ask(() => settings.findOne(filter, { sort: { _id: -1 } }));
  const currentNumber = async (): Promise<number> => (await highest({ state: 'current' }))?._id ?? 0;
  const settle = async (number: number, fields: Partial<SettingsDocument>): Promise<boolean> => {
    const { matchedCount } = await database.ask(() =>
      settings.updateOne({ _id: number, state: 'candidate' }, { $set: fields }),
    );
    return matchedCount === 1;
  };
  /** What tells that a version came into force; null where there is no such version. */
  const told = async (number: number): Promise<PendingEvent | null> => {
    const found = await database.ask(() => settings.findOne({ _id: number, state: 'candidate' }));
    if (found === null) return null;
    const { cause } = versionOf(found, 0);
    const event = { type: 'configuration_changed', at: clock.now(), version: number, cause } as const;
    return pendingEvent(`settings.${number}`, event);
  };
  return {
    async current() {
      const found = await highest({ state: 'current' });
      return found === null ? null : versionOf(found, found._id);
    },
    async version(number) {
      const found = await database.ask(() => settings.findOne({ _id: number }));
      return found === null ? null : versionOf(found, await currentNumber());
    },
    latest: async () => (await highest({}))?._id ?? 0,
    async list({ after, limit }) {
      // What is no number starts at the end, as nothing comes before it.
      const below = after === undefined ? Number.MAX_SAFE_INTEGER : Number.parseInt(after, 10) || 0;
      const found = await database.ask(() =>
        settings.find({ _id: { $lt: below } }, { sort: { _id: -1 }, limit: limit + 1 }).toArray(),
      );
      const current = await currentNumber();
      const items = found.slice(0, limit).map((one) => versionOf(one, current));
      return { items, next: found.length > limit ? String(items.at(-1)?.number) : null };
    },
    async propose(version) {
      const document = { _id: version.number, reason: null, version: JSON.stringify(version) };
      try {
        await database.ask(() => settings.insertOne({ ...document, state: 'candidate' }));
        return true;
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
        return false;
      }
    },
    async accept(number) {
      const event = await told(number);
      if (event === null || !(await settle(number, { state: 'current', reason: null, events: [event] }))) return false;
      publisher.publish({ collection: 'settings', id: number, events: [event] });
      // It is in force now, whatever becomes of these; the next one accepted does them again.
      await Promise.allSettled([
        database.ask(() =>
          settings.updateMany({ _id: { $lt: number }, state: 'current' }, { $set: { state: 'superseded' } }),
        ),
        database.ask(() => settings.deleteMany({ _id: { $lte: number - keptSettingsVersions } })),
      ]);
      return true;
    },
    reject: (number, reason) => settle(number, { state: 'rejected', reason }),
  };
}
