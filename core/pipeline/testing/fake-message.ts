import { EditedHeaders } from '../../domain/edited-headers.ts';
import { HeaderBlock } from '../../domain/header-block.ts';
import type { Message } from '../session.ts';

/** A message in memory, made of its text; LF becomes CRLF, so that a test may write it as a template. */
export class FakeMessage implements Message {
  readonly id: string;
  readonly headers: EditedHeaders;
  #body: Buffer;
  readonly #block: HeaderBlock;

  constructor(text: string, id = '01930000-0000-7000-8000-000000000001') {
    const bytes = Buffer.from(text.replace(/\r?\n/g, '\r\n'));
    this.id = id;
    this.#block = new HeaderBlock(bytes);
    this.#body = bytes.subarray(this.#block.bodyStart);
    this.headers = new EditedHeaders(this.#block);
  }

  get size(): number {
    return this.#block.bodyStart + this.#body.length;
  }

  async *open(): AsyncGenerator<Uint8Array> {
    yield Buffer.concat([this.headers.render(), this.#body]);
  }

  async replaceBody(body: AsyncIterable<Uint8Array> | Uint8Array): Promise<void> {
    if (body instanceof Uint8Array) {
      this.#body = Buffer.from(body);
      return;
    }
    const pieces: Uint8Array[] = [];
    for await (const piece of body) pieces.push(piece);
    this.#body = Buffer.concat(pieces);
  }

  /** The edited view as text. */
  text(): string {
    return Buffer.concat([this.headers.render(), this.#body]).toString();
  }
}
