import type { ConfigurationEvent, MailEvent, SluiceEvent } from '../../../domain/event.ts';
import type { Index } from '../indexes.ts';

/** An event before it has its number. */
export type UnnumberedEvent = Omit<MailEvent, 'id'> | Omit<ConfigurationEvent, 'id'>;

/** An event on its way from the document whose change it tells of, in whose `events` it was written. */
export interface PendingEvent {
  /** Made from what it tells of, so that of two who publish it one is refused. */
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** JSON of an `UnnumberedEvent`: names in it are nobody's business. */
  readonly event: string;
}

/** What carries events until they are published. */
export interface EventCarrier<Id = string> {
  readonly _id: Id;
  readonly events?: readonly PendingEvent[];
}

export interface EventDocument extends PendingEvent {
  /** Its number: one more than that of the event before. */
  readonly _id: number;
}

export const carrierCollections = ['messages', 'settings'] as const;
export type CarrierCollection = (typeof carrierCollections)[number];

export const eventIndexes: readonly Index[] = [
  { collection: 'events', key: { key: 1 }, unique: true },
  { collection: 'events', key: { at: 1 } },
  ...carrierCollections.map((collection): Index => ({ collection, key: { 'events.at': 1 }, sparse: true })),
];

export const pendingEvent = (key: string, event: UnnumberedEvent): PendingEvent => ({
  key,
  at: event.at,
  event: JSON.stringify(event),
});

export const eventOf = ({ _id, event }: EventDocument): SluiceEvent => ({ id: _id, ...JSON.parse(event) });
