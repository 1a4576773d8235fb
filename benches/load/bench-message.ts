import { createHash } from 'node:crypto';

const digits = 10;
const sender = 'bench@example.com';

/** Commands of each transaction, pipelined up to DATA (RFC 2920). */
export const envelopeCommands = `MAIL FROM:<${sender}>\r\nRCPT TO:<someone@example.net>\r\nDATA\r\n`;

/** Messages that differ in Message-ID and body by their number only, written over in place. */
export class BenchMessage {
  /** The message with the final dot behind it. */
  readonly octets: Buffer;
  readonly #places: number[] = [];
  readonly #run: string;

  /** `run` sets the messages of one run apart from all others; `size` is that of the whole message in octets. */
  constructor(run: string, size: number) {
    const number = '0'.repeat(digits);
    const head = [
      `Message-ID: <${run}.${number}@bench.test>`,
      `From: <${sender}>`,
      'To: <someone@example.net>',
      'Date: Thu, 01 Jan 2026 00:00:00 +0000',
      'Subject: benchmark',
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=us-ascii',
      '',
      `Message ${number}`,
      '',
    ].join('\r\n');
    const line = `${'The quick brown fox jumps over the lazy dog. '.repeat(2).slice(0, 74)}\r\n`;
    const room = Math.max(0, size - head.length - 2);
    const filling = line.repeat(Math.ceil(room / line.length)).slice(0, room);
    this.#run = run;
    this.octets = Buffer.from(`${head}${filling.replace(/\r?$/, '')}\r\n.\r\n`);
    for (const mark of [`<${run}.`, '\r\n\r\nMessage ']) this.#places.push(this.octets.indexOf(mark) + mark.length);
  }

  /** Makes `octets` the message of that number; they must have left for the kernel before the next call. */
  number(value: number): Buffer {
    const text = String(value).padStart(digits, '0');
    for (const place of this.#places) this.octets.write(text, place, 'latin1');
    return this.octets;
  }

  /** Message-ID and body hash that a sink must see for that number. */
  expected(value: number): { messageId: string; bodyHash: string } {
    const octets = this.number(value);
    const body = octets.subarray(octets.indexOf('\r\n\r\n') + 4, octets.length - 3);
    return {
      messageId: `<${this.#run}.${String(value).padStart(digits, '0')}@bench.test>`,
      bodyHash: createHash('sha256').update(body).digest('hex'),
    };
  }
}
