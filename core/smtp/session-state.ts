import type { Address, MailParameters, Recipient } from '../domain/envelope.ts';
import { type Identity, networkIdentity } from '../domain/identity.ts';
import type { MessageSource } from '../domain/message.ts';
import type { SessionNotes, TransactionNotes } from '../domain/notes.ts';
import type { Reply } from '../domain/reply.ts';
import type { Call, Pipeline } from '../pipeline/pipeline.ts';
import type { Session, Transaction } from '../pipeline/session.ts';
import { createTrace } from '../pipeline/trace.ts';
import type { Reservation } from '../storage/ports/counters.ts';

type Endpoint = { readonly address: string; readonly port: number };

/** The session as core writes it; plugins see it as `Session`. */
export class SessionState implements Session {
  readonly id: string;
  readonly listener: string;
  remote: Endpoint;
  local: Endpoint;
  readonly startedAt: number;
  trustedNetwork: string | null;
  readonly notes: SessionNotes = {} as SessionNotes;
  tls: Session['tls'] = null;
  hello: Session['hello'] = null;
  identity: Identity | null = null;

  constructor(facts: Pick<Session, 'id' | 'listener' | 'remote' | 'local' | 'startedAt' | 'trustedNetwork'>) {
    this.id = facts.id;
    this.listener = facts.listener;
    this.remote = facts.remote;
    this.local = facts.local;
    this.startedAt = facts.startedAt;
    this.trustedNetwork = facts.trustedNetwork;
  }
}

/** The transaction as core writes it; plugins see it as `Transaction`. */
export class TransactionState implements Transaction {
  readonly id: string;
  readonly session: SessionState;
  readonly pipeline: Pipeline;
  /** Lets go of the pipeline's plugins. */
  readonly release: () => void;
  readonly identity: Identity | null;
  sender: Address | null;
  readonly parameters: MailParameters;
  readonly recipients: Recipient[] = [];
  readonly notes: TransactionNotes = {} as TransactionNotes;
  readonly reservations: Reservation[] = [];
  readonly trace = createTrace();
  /** How its hooks are called. */
  readonly call: Call;
  /** Recipients that were refused, for the log. */
  readonly refusedRecipients: string[] = [];
  /** The last refusal the client saw within this transaction. */
  refusal: Reply | null = null;

  constructor(
    id: string,
    session: SessionState,
    pipeline: Pipeline,
    sender: Address | null,
    parameters: MailParameters,
    signal: AbortSignal,
  ) {
    this.id = id;
    this.call = { trace: this.trace, signal };
    this.session = session;
    this.pipeline = pipeline;
    this.release = pipeline.hold();
    this.identity =
      session.identity ?? (session.trustedNetwork === null ? null : networkIdentity(session.trustedNetwork));
    this.sender = sender;
    this.parameters = parameters;
  }

  get pipelineVersion(): number {
    return this.pipeline.version;
  }
}

/** Where the mail of this session comes from, as the log keeps it. */
export const sourceOf = (session: Session): MessageSource => ({
  sessionId: session.id,
  listener: session.listener,
  clientAddress: session.remote.address,
  helo: session.hello?.name ?? null,
  tls: session.tls?.protocol ?? null,
});
