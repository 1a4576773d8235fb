import { createSecureContext, type SecureContext, type TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { SMTPServer } from 'smtp-server/lib/smtp-server.js';
import type { Secured } from '../pipeline/session-control.ts';

/** What the base class takes over from the options of its server. */
const demands = ['requestCert', 'rejectUnauthorized', 'session', 'requestOCSP'] as const;

/**
 * The listener as a handshake of the base class reads it, with the certificate and the demands of these options. Throws
 * what `createSecureContext` throws.
 */
export function listenerWithTls(listener: SMTPServer, options: TLSSocketOptions): SMTPServer {
  const context = options.secureContext ?? createSecureContext(options);
  const { SNICallback } = options;
  const resolve = (name: string, done: (error: Error | null, context?: SecureContext) => void): void =>
    SNICallback === undefined ? done(null, context) : SNICallback(name, done);
  return Object.create(listener, {
    secureContext: { value: new Map([['*', context]]) },
    options: { value: Object.fromEntries(demands.filter((key) => key in options).map((key) => [key, options[key]])) },
    _resolveSNI: { value: resolve },
  });
}

/** What is known of the client once the handshake is over. */
export function secured(socket: TLSSocket): Secured {
  // The name of what is wrong, at run time.
  const problem: unknown = socket.authorizationError;
  return {
    authorized: socket.authorized,
    authorizationError: problem instanceof Error ? problem : problem ? new Error(String(problem)) : null,
    peerCertificate: socket.getPeerCertificate(),
    cipher: { ...socket.getCipher(), protocol: socket.getProtocol() ?? 'unknown' },
  };
}
