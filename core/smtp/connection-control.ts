import type { TLSSocketOptions } from 'node:tls';
import type { Address, Recipient } from '../domain/envelope.ts';
import { canonicalAddress } from '../domain/ip-network.ts';
import type { Reply } from '../domain/reply.ts';
import type { Session, Transaction } from '../pipeline/session.ts';
import type { AssumedFacts, Secured, SessionControl } from '../pipeline/session-control.ts';
import type { ClientConnection } from './connection.ts';
import { trustedNetworkOf } from './permission.ts';
import { secured } from './plugin-tls.ts';
import { endTransaction } from './transaction-end.ts';

const nothing = new Uint8Array();

/** A connection in the hands of a plugin. */
export class ConnectionControl implements SessionControl {
  readonly #connection: ClientConnection;

  constructor(connection: ClientConnection) {
    this.#connection = connection;
  }

  get earlyTalker(): boolean {
    return this.#connection.earlyTalker;
  }

  get proxy(): string | null {
    return this.#connection.proxy;
  }

  get gone(): boolean {
    return this.#connection.gone;
  }

  pending(): Uint8Array {
    return this.#connection.parser?.pending() ?? nothing;
  }

  discardPending(): void {
    this.#connection.parser?.discardPending();
  }

  send(reply: Reply): void {
    this.#connection.reply(reply, 'plugin');
    this.#connection.flush();
  }

  disconnect(): void {
    this.#connection.close();
  }

  upgrade(options: TLSSocketOptions): Promise<Secured> {
    const done = this.#connection.startTlsWith(options).then(secured);
    // Whoever does not wait for it learns of a failure by the end of the connection.
    done.catch(() => {});
    return done;
  }

  pause(): void {
    this.#connection.paused = true;
  }

  resume(): void {
    this.#connection.paused = false;
    this.#connection.parser?.start();
  }

  assume({ remote, local, hello }: AssumedFacts): void {
    const { state, policy } = this.#connection;
    const [from, to] = [remote, local].map((end) => (end === undefined ? undefined : canonical(end)));
    if (from !== undefined) {
      state.remote = from;
      state.trustedNetwork = trustedNetworkOf(policy, from.address);
    }
    if (to !== undefined) state.local = to;
    if (hello !== undefined) state.hello = hello;
  }

  resetTransaction(): void {
    if (this.#connection.dataPhase !== null) throw new Error('A message is being received; refuse it instead');
    endTransaction(this.#connection, 'reset');
  }

  amend(
    transaction: Transaction,
    { sender, recipients }: { sender?: Address | null; recipients?: readonly Recipient[] },
  ) {
    const { transaction: open, dataPhase } = this.#connection;
    if (open === null || transaction !== open) throw new Error('Only the open transaction can be amended');
    if (dataPhase?.commitBegun) throw new Error('The message is being stored; its envelope cannot be amended any more');
    if (recipients?.length === 0 && dataPhase !== null) {
      throw new RangeError('A message needs a recipient; refuse or discard it instead');
    }
    if (sender !== undefined) open.sender = sender;
    if (recipients !== undefined) open.recipients.splice(0, open.recipients.length, ...recipients);
  }
}

/** Throws a RangeError for what is no address. */
function canonical({ address, port }: Session['remote']): Session['remote'] {
  const known = canonicalAddress(address);
  if (known === null) throw new RangeError(`${address} is no IP address`);
  return { address: known, port };
}
