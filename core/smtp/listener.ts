import type { AddressInfo, Socket } from 'node:net';
import { SMTPServer } from 'smtp-server/lib/smtp-server.js';
import { uuidv7 } from 'uuidv7';
import type { ListenerConfig } from '../config/schema.ts';
import { SluiceError } from '../domain/errors.ts';
import { canonicalAddress, NetworkSet } from '../domain/ip-network.ts';
import type { Reply } from '../domain/reply.ts';
import type { Certificate } from '../tls/certificate-files.ts';
import { ClientConnection, type ConnectionFacts } from './connection.ts';
import type { ConnectionPlace, NoPlace } from './connection-counts.ts';
import { awaitProxyHeader } from './proxy-exchange.ts';
import { replies } from './replies.ts';
import { formatReply } from './reply-format.ts';
import type { ListenerPolicy, Shared } from './shared.ts';

/** How long a PROXY header and a TLS handshake may take together. */
const longestPreamble = 30_000;
/** Time for a client that is turned away to read why. */
const refusalLinger = 1_000;

type ConnectCallback = (error: Error | null, facts?: Accepted) => void;

/** A connection on its way to a session. */
interface Accepted extends ConnectionFacts {
  readonly place: ConnectionPlace;
  /** Whether its client is counted, too. */
  readonly assigned: boolean;
}

const ignore = () => {};

/** Made once: nobody reads why. */
const turnedAway = new Error('turned away');

/**
 * One address and port. From smtp-server comes accepting, implicit TLS, the contexts of TLS and the guard of sockets
 * that did not come as far as a session; connections are ours.
 */
export class Listener extends SMTPServer {
  readonly policy: ListenerPolicy;
  readonly #shared: Shared;
  /** Sessions that are not over. */
  readonly #sessions = new Set<ClientConnection>();
  /** Those, and connections whose session is over while the client has not closed yet. */
  readonly #open = new Set<ClientConnection>();

  constructor(config: ListenerConfig, shared: Shared, certificate: Certificate) {
    super({
      ...certificate,
      minVersion: shared.config.smtp.tls.minimum_version,
      secure: config.tls === 'implicit',
      name: shared.hostname,
      logger: false,
      disableReverseLookup: true,
    });
    this.#shared = shared;
    this.policy = {
      config,
      trustedNetworks: config.trusted_networks.map(({ name, networks }) => ({ name, set: new NetworkSet(networks) })),
      proxies: new NetworkSet(config.proxy_protocol),
    };
    this.on('error', (error: NodeJS.ErrnoException) => {
      // Failed handshakes are the clients' affair; failing to accept (no descriptors left) is ours.
      const level = error.syscall === 'accept' ? 'warn' : 'debug';
      shared.log[level]({ err: error, listener: config.name }, 'listener');
    });
  }

  /** Resolves with the address really listened on. Throws `LISTEN_FAILED`. */
  async start(): Promise<AddressInfo> {
    const { name, address, port } = this.policy.config;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.server.once('error', reject);
    this.listen({ port, host: address }, resolve);
    try {
      await promise;
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      const text = `The listener ${name} cannot listen on ${address} port ${port}: ${reason}. Free the port, or set another one`;
      throw new SluiceError('LISTEN_FAILED', text, { cause });
    } finally {
      this.server.removeListener('error', reject);
    }
    return this.server.address() as AddressInfo;
  }

  /** New handshakes take it; sessions that run go on. */
  useCertificate(certificate: Certificate): void {
    this.updateSecureContext({ ...certificate });
  }

  /** Ends what is idle at once; resolves when the last session is over, or after `graceMilliseconds` when it is ended. */
  async stop(graceMilliseconds: number): Promise<void> {
    const { promise: closed, resolve } = Promise.withResolvers<void>();
    this.server.close(() => resolve());
    for (const socket of this._pendingSockets.values()) socket.destroy();
    for (const session of this.#sessions) session.shutdown();
    const grace = setTimeout(() => {
      for (const session of this.#sessions) session.farewell(replies.closing.shutdown);
      for (const connection of this.#open) connection._socket.destroy();
    }, graceMilliseconds);
    await closed;
    clearTimeout(grace);
  }

  override connect(socket: Socket, options?: object | null): void {
    const accepted = options as Accepted;
    const { place, assigned, remote } = accepted;
    const answer = assigned || place.assign(remote.address);
    if (!(answer instanceof Promise)) {
      this.#begin(socket, accepted, answer);
      return;
    }
    // Nobody else listens yet.
    socket.on('error', ignore);
    answer.then(
      (granted) => this.#begin(socket, accepted, granted),
      () => this.#noPlace(socket, 'unknown', place),
    );
  }

  #begin(socket: Socket, { place, assigned: _, ...facts }: Accepted, granted: boolean): void {
    if (socket.destroyed) {
      place.leave();
      return;
    }
    if (!granted || this.#shared.closing) {
      this.#noPlace(socket, 'client-full', place);
      return;
    }
    const connection: ClientConnection = new ClientConnection(this, socket, this.#shared, this.policy, facts, () => {
      place.leave();
      this.#sessions.delete(connection);
    });
    this.connections.add(connection);
    this.#sessions.add(connection);
    this.#open.add(connection);
    connection.once('closed', () => this.#open.delete(connection));
    connection.init();
  }

  #noPlace(socket: Socket, reason: NoPlace, place?: ConnectionPlace): void {
    place?.leave();
    if (this.#shared.closing) this.#turnAway(socket, replies.closing.shutdown);
    else this.#turnAway(socket, noPlace[reason]);
  }

  /** Bounds in time what comes before the session; the base class knows idleness only. */
  override _acceptSocket(socket: Socket, handshake: boolean): false | (() => void) {
    const release = super._acceptSocket(socket, handshake);
    if (release === false || !this._pendingSockets.has(socket)) return release;
    const end = () => this._pendingSockets.get(socket)?.destroy();
    const timer = setTimeout(end, Math.min(longestPreamble, this.#shared.config.smtp.limits.command_timeout)).unref();
    return () => {
      clearTimeout(timer);
      release();
    };
  }

  #turnAway(socket: Socket, answer: Reply): void {
    this.#shared.refusals.observe(answer);
    turnAway(socket, answer);
  }

  override _expectsProxyHeader(socket: Socket): boolean {
    return this.policy.proxies.contains(socket.remoteAddress ?? '');
  }

  override _handleProxy(socket: Socket, callback: ConnectCallback): void {
    const peer = canonicalAddress(socket.remoteAddress ?? '');
    const own = canonicalAddress(socket.localAddress ?? '');
    if (peer === null || own === null) {
      socket.destroy();
      callback(new Error('the client was gone before it could be accepted'));
      return;
    }
    const facts: ConnectionFacts = {
      id: uuidv7(),
      remote: { address: peer, port: socket.remotePort ?? 0 },
      local: { address: own, port: socket.localPort ?? 0 },
      proxy: null,
    };
    // Behind a PROXY header or a handshake comes a client that need not be counted yet, or that can be told why not.
    const known = this.#secure || this._expectsProxyHeader(socket) ? null : peer;
    const entrance = this.#shared.counts.enter(known);
    if (!(entrance instanceof Promise)) {
      this.#entered(socket, facts, entrance, callback);
      return;
    }
    socket.on('error', ignore);
    entrance.then(
      (entered) => this.#entered(socket, facts, entered, callback),
      () => this.#entered(socket, facts, 'unknown', callback),
    );
  }

  #entered(socket: Socket, facts: ConnectionFacts, place: ConnectionPlace | NoPlace, callback: ConnectCallback): void {
    if (typeof place === 'string') {
      // Before a TLS handshake nothing can be said.
      if (this.#secure) socket.on('error', ignore).destroy();
      else this.#noPlace(socket, place);
      callback(turnedAway);
      return;
    }
    if (socket.destroyed) {
      place.leave();
      callback(turnedAway);
      return;
    }
    socket.once('close', () => place.leave());
    if (!this._expectsProxyHeader(socket)) {
      callback(null, { ...facts, place, assigned: !this.#secure });
      return;
    }
    awaitProxyHeader(socket, (error, proxied) => {
      if (error !== null)
        this.#shared.log.info({ peer: facts.remote.address, listener: this.policy.config.name }, error.message);
      const told =
        proxied === null
          ? facts
          : { ...facts, remote: proxied.source, local: proxied.destination, proxy: facts.remote.address };
      callback(error, { ...told, place, assigned: false });
    });
  }

  /** Encrypted from the first byte. */
  get #secure(): boolean {
    return this.policy.config.tls === 'implicit';
  }

  override onSecure(_socket: Socket, _session: unknown, callback: () => void): void {
    callback();
  }
}

const noPlace: Readonly<Record<NoPlace, Reply>> = {
  full: replies.capacity.connections,
  'client-full': replies.capacity.connectionsOfAddress,
  unknown: replies.closing.stuck,
};

/** Says why, and closes soon even if the client does not. */
function turnAway(socket: Socket, answer: Reply): void {
  socket.on('error', () => {});
  socket.end(formatReply(answer));
  socket.resume();
  setTimeout(() => socket.destroy(), refusalLinger).unref();
}
