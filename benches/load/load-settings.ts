/** What a generator process is told, as JSON in its first argument. */
export interface LoadSettings {
  port: number;
  /** Messages in all. */
  messages: number;
  connections: number;
  /** Octets of a message. */
  size: number;
  /** Marks the messages of this run. */
  run: string;
  /** One connection for many messages, or one each. */
  keepAlive: boolean;
  startTls: boolean;
  login: { username: string; password: string } | null;
}

/** What it answers by IPC when all is done. */
export interface LoadResult {
  accepted: number;
  /** Refusals by their text, with how often each was heard. */
  refused: Record<string, number>;
  /** Milliseconds from the first connection to the last 250. */
  elapsed: number;
  /** `Date.now()` of the first connection. */
  startedAt: number;
  /** Milliseconds from MAIL to the final 250. */
  p50: number;
  p99: number;
  longest: number;
  /** Processor time of the generator a message, in milliseconds. */
  cpu: number;
}
