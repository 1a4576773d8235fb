import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { SluiceError } from '../../core/domain/errors.ts';
import { eventSchema, missedSchema } from '../events/event-view.ts';
import { streamEvents } from '../routes/events.ts';
import { type ClientOptions, failure } from './client.ts';

const streamedSchema = z.union([eventSchema, missedSchema]);
export type StreamedEvent = z.infer<typeof streamedSchema>;

/** A connection that was cut is made anew after this, in milliseconds. */
const reconnection = 2_000;

export interface FollowOptions {
  readonly query: Readonly<Record<string, string>>;
  /** Begins after this event; null: now. */
  readonly after: string | null;
  /** Called when the connection is lost, before it is tried again. */
  readonly lost: () => void;
}

/**
 * Events as they come, for ever: over lost connections it goes on where it was. Throws what the server refuses, and
 * `SERVICE_UNAVAILABLE` where nobody answers at first.
 */
export async function* followEvents(options: ClientOptions, follow: FollowOptions): AsyncGenerator<StreamedEvent> {
  let last = follow.after;
  for (let first = true; ; first = false) {
    try {
      for await (const { id, event } of await stream(options, follow.query, last)) {
        last = id;
        yield event;
      }
    } catch (error) {
      const refused = error instanceof SluiceError && error.code !== 'SERVICE_UNAVAILABLE';
      if (refused || first) throw error;
    }
    follow.lost();
    await delay(reconnection);
  }
}

async function stream(options: ClientOptions, query: Readonly<Record<string, string>>, last: string | null) {
  const search = new URLSearchParams(query);
  const path = search.size === 0 ? streamEvents.path : `${streamEvents.path}?${search}`;
  const token = 'url' in options ? options.token : undefined;
  const headers = {
    accept: 'text/event-stream',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(last === null ? {} : { 'last-event-id': last }),
  };
  const answer = await connect(options, path, { headers, agent: false });
  answer.setEncoding('utf8');
  if (answer.statusCode === 200) return events(answer);
  let text = '';
  for await (const piece of answer) text += piece;
  throw failure(answer.statusCode ?? 0, text);
}

function connect(options: ClientOptions, path: string, given: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing =
      'url' in options
        ? (options.url.startsWith('https:') ? httpsRequest : httpRequest)(new URL(path, options.url), given)
        : httpRequest({
            ...given,
            socketPath: options.socketPath,
            path,
            headers: { ...given.headers, host: 'localhost' },
          });
    const where = 'url' in options ? options.url : options.socketPath;
    const text = `nobody answers at ${where}: is Sluice running? (sluice start)`;
    outgoing.on('error', (cause) => reject(new SluiceError('SERVICE_UNAVAILABLE', text, { cause })));
    outgoing.on('response', resolve);
    outgoing.end();
  });
}

/** Takes the stream apart (HTML Living Standard, 9.2.6, as far as Sluice writes it); ends when the connection does. */
async function* events(answer: IncomingMessage): AsyncGenerator<{ id: string; event: StreamedEvent }> {
  let text = '';
  try {
    for await (const piece of answer) {
      text += piece;
      for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
        const lines = text.slice(0, end).split('\n');
        text = text.slice(end + 2);
        const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
        const [id, data] = [field('id'), field('data')];
        if (id !== undefined && data !== undefined) yield { id, event: streamedSchema.parse(JSON.parse(data)) };
      }
    }
  } catch (error) {
    // Cut off, which is no end of following.
    if (!answer.destroyed || error instanceof z.ZodError) throw error;
  }
}
