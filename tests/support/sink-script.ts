/** The points of a session at which a sink can misbehave. */
export type SinkPhase =
  | 'connect'
  | 'ehlo'
  | 'starttls'
  | 'auth'
  | 'mail'
  | 'rcpt'
  | 'data'
  | 'dot'
  | 'rset'
  | 'noop'
  | 'quit'
  | 'unknown';

/** What a sink is asked: the phase, the command as received, and how often this phase was reached before, in all. */
export interface SinkQuestion {
  phase: SinkPhase;
  line: string;
  /** Number of the connection, from 0. */
  connection: number;
  /** How often any connection reached this phase before. */
  earlier: number;
  sender: string;
  recipients: readonly string[];
}

/** How it answers instead of taking part; a delay alone postpones the ordinary answer. */
export interface SinkAnswer {
  /** The whole reply, without its last CRLF; any garbage is fine. */
  reply?: string | Buffer;
  /** Close the connection, after `reply` if there is one. */
  drop?: boolean;
  /** Say nothing more on this connection, but keep it open. */
  stall?: boolean;
  /** Milliseconds before the answer. */
  delay?: number;
}

export type SinkScript = (question: SinkQuestion) => SinkAnswer | undefined;

/** Answers one phase in one way, each time it is reached. */
export const at =
  (phase: SinkPhase, answer: SinkAnswer): SinkScript =>
  (question) =>
    question.phase === phase ? answer : undefined;

/** As `at`, but only the first `times` times: afterwards the sink has recovered. */
export const atFirst =
  (phase: SinkPhase, answer: SinkAnswer, times = 1): SinkScript =>
  (question) =>
    question.phase === phase && question.earlier < times ? answer : undefined;
