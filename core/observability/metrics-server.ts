import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';

export interface MetricsServer {
  /** Null where the port could not be had. */
  readonly url: string | null;
  close(): Promise<void>;
}

/**
 * Serves `/metrics`, without a login: it listens on loopback unless configured otherwise. A port that is taken is told
 * in the log and stops nothing: mail matters more than its numbers.
 */
export async function startMetricsServer(options: {
  readonly address: string;
  readonly port: number;
  readonly metrics: Metrics;
  readonly log: Logger;
}): Promise<MetricsServer> {
  const { address, port, metrics, log } = options;

  // Without writeHead: restify replaces it for the whole process, and its own answers undefined.
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const asked = request.url?.split('?', 1)[0] === '/metrics';
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const text = asked && reads ? await metrics.text() : 'GET /metrics is all there is here\n';
    response.statusCode = !asked ? 404 : reads ? 200 : 405;
    response.setHeader('Content-Type', asked && reads ? metrics.contentType : 'text/plain; charset=utf-8');
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (request, response) => {
    request.resume();
    answer(request, response).catch((error: unknown) => {
      log.error({ err: error }, 'the metrics could not be collected');
      response.destroy();
    });
  });
  server.maxConnections = 20;
  server.listen(port, address);
  try {
    await once(server, 'listening');
  } catch (error) {
    log.warn({ err: error, address, port }, 'no metrics: observability.port cannot be listened on');
    return { url: null, close: async () => {} };
  }
  const bound = server.address();
  const at = bound === null || typeof bound === 'string' ? port : bound.port;
  return {
    url: `http://${address.includes(':') ? `[${address}]` : address}:${at}/metrics`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
