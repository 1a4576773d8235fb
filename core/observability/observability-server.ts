import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Logger } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Readiness } from './readiness.ts';

export interface ObservabilityServer {
  /** Null where the port could not be had. */
  readonly url: string | null;
  close(): Promise<void>;
}

export interface ObservabilityOptions {
  readonly address: string;
  /** 0: any free one. */
  readonly port: number;
  readonly metrics: Pick<Metrics, 'contentType' | 'text'>;
  /** Never rejects. */
  readonly readiness: () => Promise<Readiness>;
  readonly log: Logger;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
}

const json = (status: number, body: object): Answer => ({
  status,
  type: 'application/json',
  text: `${JSON.stringify(body)}\n`,
});

async function answerTo(path: string, { metrics, readiness }: ObservabilityOptions): Promise<Answer> {
  switch (path) {
    case '/metrics':
      return { status: 200, type: metrics.contentType, text: await metrics.text() };
    case '/health/live':
      return json(200, { status: 'ok' });
    case '/health':
    case '/health/ready': {
      const { reason, ...facts } = await readiness();
      return reason === null ? json(200, { status: 'ok', ...facts }) : json(503, { status: 'down', ...facts, reason });
    }
    default:
      return { status: 404, type: 'text/plain; charset=utf-8', text: '/metrics and /health are all there is here\n' };
  }
}

/**
 * Serves `/metrics`, `/health`, `/health/live` and `/health/ready`, without a login: it listens on loopback unless
 * configured otherwise. A port that is taken is told in the log and stops nothing: mail matters more than its numbers.
 */
export async function startObservabilityServer(options: ObservabilityOptions): Promise<ObservabilityServer> {
  const { address, port, log } = options;

  // Without writeHead: restify replaces it for the whole process, and its own answers undefined.
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const { status, type, text } = reads
      ? await answerTo(request.url?.split('?', 1)[0] ?? '', options)
      : { status: 405, type: 'text/plain; charset=utf-8', text: 'GET and HEAD only\n' };
    response.statusCode = status;
    response.setHeader('Content-Type', type);
    response.end(request.method === 'HEAD' ? undefined : text);
  };
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (request, response) => {
    request.resume();
    answer(request, response).catch((error: unknown) => {
      log.error({ err: error }, 'metrics or health could not be collected');
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
