/** Where a connection stood when it was lost. */
export type CutPhase = 'connect' | 'command' | 'data' | 'dot';

/** A line of the journal. Only `accepted` is a promise of the relay's. Times are `Date.now()`. */
export type JournalEntry =
  | { event: 'accepted'; at: number; messageId: string; bodyHash: string; size: number; reply: string }
  | { event: 'refused'; at: number; messageId: string; code: number; reply: string }
  | { event: 'cut'; at: number; messageId: string; phase: CutPhase };

export interface JournalSettings {
  port: number;
  username: string;
  password: string;
  connections: number;
  /** Messages a second offered by all connections together. */
  rate: number;
  /** Sizes of bodies in octets, one of which is taken at random for each message. */
  sizes: readonly number[];
  /** Octets in a piece of a body on every second connection, and milliseconds between pieces: keeps DATA open. */
  piece: number;
  pause: number;
  /** File the journal is appended to, line by line, before the next command is sent. */
  file: string;
  sender: string;
  recipient: string;
  startTls: boolean;
  /** Milliseconds before it connects again after a connection was lost. */
  reconnect: number;
}
