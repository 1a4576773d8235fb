import type { Socket } from 'node:net';
import { TLSSocket, type TLSSocketOptions } from 'node:tls';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { SMTPServer } from 'smtp-server/lib/smtp-server.js';
import { listenerWithTls } from './plugin-tls.ts';

/**
 * How a connection in clear goes over to TLS (RFC 3207). From smtp-server comes the upgrade itself; here are the sockets to
 * destroy while a handshake runs, and the plugin that waits for it.
 */
export abstract class UpgradableConnection extends SMTPConnection {
  #topSocket: Socket;
  /** The handshake that a plugin waits for. */
  #handshake: PromiseWithResolvers<TLSSocket> | null = null;

  constructor(server: SMTPServer, socket: Socket, facts: ConstructorParameters<typeof SMTPConnection>[2]) {
    super(server, socket, facts);
    this.#topSocket = socket;
  }

  /** TLS is on. */
  protected abstract secured(socket: TLSSocket): void;

  /** The answer to STARTTLS is sent: what stands behind it in clear is dropped, and the handshake begins. */
  protected beginHandshake(): void {
    this.upgrade(
      () => {},
      () => {
        if (!(this._socket instanceof TLSSocket)) return;
        this.secured(this._socket);
        this.#handshake?.resolve(this._socket);
      },
    );
  }

  /**
   * As `beginHandshake`, for a plugin that answered STARTTLS, with its certificate and demands. Rejects where the handshake
   * fails; the connection is closed then.
   */
  protected beginHandshakeWith(options: TLSSocketOptions): Promise<TLSSocket> {
    const handshake = Promise.withResolvers<TLSSocket>();
    this.#handshake = handshake;
    const listener = this._server;
    try {
      // The base class reads what it needs for the handshake from its server, at once.
      this._server = listenerWithTls(listener, options);
      this.beginHandshake();
    } catch (error) {
      handshake.reject(error);
      this.close();
    } finally {
      this._server = listener;
    }
    return handshake.promise;
  }

  /** Tells a plugin that waits for a handshake that it has failed. */
  protected handshakeFailed(error: Error): void {
    this.#handshake?.reject(error);
  }

  /** Ends the client's connection with nothing more said. Destroying the socket below a running handshake would crash. */
  protected destroyFromAbove(): void {
    this.#topSocket.destroy();
  }

  /** Deadlines are absolute and ours; what is remembered is the socket to destroy while a handshake runs. */
  override _armTimeout(socket: Socket = this._socket): void {
    this.#topSocket = socket;
  }
}
