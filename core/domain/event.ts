/** What can happen to mail, in the names of what became of its recipients. */
export const mailEventTypes = [
  'accepted',
  'rejected',
  'delivered',
  'relayed',
  'captured',
  'discarded',
  'deferred',
  'held',
  'bounced',
  'expired',
  'cancelled',
] as const;
export type MailEventType = (typeof mailEventTypes)[number];

/** Everything that is told. Databases keep a type by its place here: add at the end only. */
export const eventTypes = [...mailEventTypes, 'configuration_changed'] as const;
export type EventType = (typeof eventTypes)[number];

interface EventFacts {
  /** Counts up; never used again. */
  readonly id: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
}

/**
 * What happened to a message, or to a transaction that was refused. Recipients that share outcome, upstream and reply
 * share an event. Owner and credential are those of the acceptance. Reports of our own (bounces) bring forth none.
 */
export interface MailEvent extends EventFacts {
  readonly type: MailEventType;
  readonly ownerId: string | null;
  readonly credentialId: string | null;
  /** Id of the message or refusal in the log. */
  readonly entryId: string;
  /** Message-ID with its angle brackets. */
  readonly messageId: string | null;
  /** Reverse-path; empty for `<>`. */
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly upstream: string | null;
  /** Last reply or reason, on one line. */
  readonly reply: string | null;
}

/** Another version of the plugins' settings came into force. Of interest to administrators only. */
export interface ConfigurationEvent extends EventFacts {
  readonly type: 'configuration_changed';
  readonly version: number;
  /** What made it: `SettingsVersion.cause`. */
  readonly cause: string;
}

export type SluiceEvent = MailEvent | ConfigurationEvent;

/** All given ones must hold; what concerns no mail has no owner and no credential. */
export interface EventFilter {
  readonly ownerId?: string;
  readonly credentialId?: string;
  readonly types?: readonly EventType[];
}

export function isMeant(event: SluiceEvent, { ownerId, credentialId, types }: EventFilter): boolean {
  const { ownerId: owner = null, credentialId: credential = null } = 'ownerId' in event ? event : {};
  return (
    (types === undefined || types.includes(event.type)) &&
    (ownerId === undefined || ownerId === owner) &&
    (credentialId === undefined || credentialId === credential)
  );
}
