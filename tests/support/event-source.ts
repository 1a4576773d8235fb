import { type IncomingMessage, request } from 'node:http';
import { waitFor } from './wait-for.ts';

/** One event as it came over the wire (HTML Living Standard, 9.2.6). */
export interface ReceivedEvent {
  readonly id: string;
  readonly event: string;
  readonly data: Record<string, unknown>;
}

export interface EventSourceOptions {
  readonly token: string;
  /** Sent as Last-Event-ID. */
  readonly lastEventId?: string;
}

/** Reads server-sent events with a token, as `EventSource` of browsers cannot. Does not connect again by itself. */
export class TestEventSource implements AsyncDisposable {
  readonly events: ReceivedEvent[] = [];
  readonly comments: string[] = [];
  readonly headers: IncomingMessage['headers'];
  readonly status: number;
  readonly #incoming: IncomingMessage;
  #text = '';
  #ended: 'open' | 'ended' | 'cut' = 'open';

  private constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
    this.headers = incoming.headers;
    this.status = incoming.statusCode ?? 0;
    incoming.setEncoding('utf8');
    incoming.on('data', (piece: string) => this.#take(piece));
    incoming.on('end', () => {
      this.#ended = 'ended';
    });
    incoming.on('error', () => {
      this.#ended = 'cut';
    });
  }

  /** Resolves when the answer began. */
  static open(url: string, { token, lastEventId }: EventSourceOptions): Promise<TestEventSource> {
    return new Promise((resolve, reject) => {
      const headers = {
        accept: 'text/event-stream',
        authorization: `Bearer ${token}`,
        ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
      };
      const outgoing = request(url, { headers, agent: false }, (incoming) => resolve(new TestEventSource(incoming)));
      outgoing.on('error', reject);
      outgoing.end();
    });
  }

  /** How the connection stands: `ended` is an end in order, `cut` is not. */
  get state(): 'open' | 'ended' | 'cut' {
    return this.#ended;
  }

  /** Text that is not parsed yet, such as a problem. */
  get rest(): string {
    return this.#text;
  }

  /** Waits for this many events, and answers them all. */
  async until(count: number, timeout = 10_000): Promise<readonly ReceivedEvent[]> {
    const detail = () => JSON.stringify(this.events);
    await waitFor(`${count} events`, () => this.events.length >= count, { timeout, detail });
    return this.events;
  }

  async closed(timeout = 10_000): Promise<'ended' | 'cut'> {
    return await waitFor('the end of the stream', () => (this.#ended === 'open' ? null : this.#ended), { timeout });
  }

  /** Takes nothing more from the connection. */
  pause(): void {
    this.#incoming.pause();
  }

  resume(): void {
    this.#incoming.resume();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#incoming.destroy();
  }

  #take(piece: string): void {
    this.#text += piece;
    for (let end = this.#text.indexOf('\n\n'); end !== -1; end = this.#text.indexOf('\n\n')) {
      const block = this.#text.slice(0, end);
      this.#text = this.#text.slice(end + 2);
      const lines = block.split('\n').map((line): [string, string] => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon), line.slice(colon + 1).trim()];
      });
      const fields = Object.fromEntries(lines);
      if (fields.data === undefined) this.comments.push(block);
      else this.events.push({ id: fields.id ?? '', event: fields.event ?? 'message', data: JSON.parse(fields.data) });
    }
  }
}
