import { isRegExp } from 'node:util/types';
import type { Transaction } from '../../../core/pipeline/plugin.ts';
import type { Libraries } from '../libraries.ts';
import { RecordedHeader } from './recorded-header.ts';
import type { Body, EnvelopeAddress, MessageStream, Notes, ResultStore } from './types.ts';

type BodyFilter = (contentType: string, encoding: string, bytes: Buffer) => Buffer | undefined;
type AttachmentHook = (contentType: string, name: string, body: unknown, stream: unknown) => void;

/** What of `connection.ini` concerns a message while it is read. */
export interface MessageLimits {
  readonly main: { readonly spool_after: number; readonly spool_dir: string };
  readonly headers: { readonly max_lines: number };
}

const cr = 0x0d;
const lf = 0x0a;
const dot = 0x2e;

/**
 * A mail transaction as Haraka's plugins know it. The message is fed line by line, as Haraka does, when the client has
 * sent all of it; header changes become edits of the message (`RecordedHeader`). Names are Haraka's.
 */
export class HarakaTransaction {
  [name: string]: unknown;
  readonly uuid: string;
  /** Null of a mail that a plugin wrote: no client stands behind it. */
  readonly sluice: Transaction | null;
  mail_from: EnvelopeAddress | null = null;
  rcpt_to: EnvelopeAddress[] = [];
  header: RecordedHeader;
  header_lines: string[] = [];
  data_lines: string[] = [];
  body: Body | null = null;
  parse_body = false;
  banner: readonly [string, string] | null = null;
  body_filters: { ct_match: string | RegExp; filter: BodyFilter }[] = [];
  attachment_start_hooks: AttachmentHook[] = [];
  message_stream: MessageStream;
  notes: Notes;
  results: ResultStore;
  data_bytes = 0;
  header_pos = 0;
  found_hb_sep = false;
  discard_data = false;
  rcpt_count = { accept: 0, tempfail: 0, reject: 0 };
  msg_status: string | undefined = undefined;
  encoding: BufferEncoding = 'utf8';
  mime_part_count = 0;
  data_post_start: number | null = null;
  data_post_delay = 0;
  _relaying: boolean | undefined = undefined;
  /** Why the file of a large message could not be written or read. */
  streamError: Error | null = null;
  /** `reset_transaction` hooks of bridges that have not ended. */
  resetsUnderWay = 0;
  readonly #libraries: Libraries;
  readonly #limits: MessageLimits;

  constructor(
    uuid: string,
    transaction: Transaction | null,
    connection: object,
    libraries: Libraries,
    limits: MessageLimits,
  ) {
    this.uuid = uuid;
    this.sluice = transaction;
    this.#libraries = libraries;
    this.#limits = limits;
    this.notes = new libraries.Notes();
    this.notes.skip_plugins = [];
    this.results = new libraries.ResultStore(connection);
    this.header = RecordedHeader.make(libraries);
    this.message_stream = this.#newStream();
  }

  #newStream(): MessageStream {
    const stream = new this.#libraries.message.stream(this.#limits, this.uuid, this.header.header_list);
    // Nobody may be listening when its file cannot be written: the error is kept for who reads the message.
    stream.on('error', (error: Error) => {
      this.streamError ??= error;
    });
    return stream;
  }

  /** True where what plugins asked for may change the body. */
  get changesBody(): boolean {
    return this.banner !== null || this.body_filters.length > 0;
  }

  /** Drops what was read, so that the message can be read again as it stands now. What was done to the body stays done. */
  readAgain(): void {
    this.close();
    this.header = RecordedHeader.make(this.#libraries);
    this.message_stream = this.#newStream();
    this.header_lines = [];
    this.header_pos = 0;
    this.found_hb_sep = false;
    this.body = null;
    this.banner = null;
    this.body_filters = [];
    this.mime_part_count = 0;
  }

  /** Gives up the file a large message was put into; what stands in memory needs nothing. */
  close(): void {
    if (this.message_stream.spooling) this.message_stream.destroy();
  }

  ensure_body(): Body {
    if (this.body !== null) return this.body;
    const body = new this.#libraries.message.Body(this.header);
    body.on('mime_boundary', () => this.incr_mime_count());
    for (const hook of this.attachment_start_hooks) body.on('attachment_start', hook);
    if (this.banner !== null) body.set_banner(this.banner);
    for (const { ct_match, filter } of this.body_filters) addFilter(body, ct_match, filter);
    this.body = body;
    return body;
  }

  /** One line of the message as it came over the wire, dot stuffing and CRLF included. */
  add_data(data: Buffer | string): void {
    let line = typeof data === 'string' ? Buffer.from(data, this.encoding) : data;
    if (this.header_pos === 0 && (line[0] === lf || (line[0] === cr && line[1] === lf))) {
      this.#headerEnds();
      if (this.parse_body) this.ensure_body();
    } else if (this.header_pos === 0) {
      if (this.header_lines.length < this.#limits.headers.max_lines) {
        const unstuffed = line[0] === dot ? line.subarray(1) : line;
        this.header_lines.push(unstuffed.toString(this.encoding).replace(/\r\n$/, '\n'));
      }
    } else if (this.parse_body) {
      const unstuffed = line[0] === dot ? line.subarray(1) : line;
      line = wireForm(this.ensure_body().parse_more(withoutFinalCr(unstuffed)));
      // A banner holds lines back.
      if (line.length === 0) return;
    }
    if (!this.discard_data) this.message_stream.add_line(line);
  }

  #headerEnds(): void {
    this.header.parse(this.header_lines);
    this.header_pos = this.header.header_list.length || -1;
    this.found_hb_sep = true;
  }

  /** The message is complete; `done` is called once all of it can be read. */
  end_data(done: () => void): void {
    if (!this.found_hb_sep && this.header_lines.length > 0) this.#splitBrokenHeader();
    if (this.header_pos !== 0 && this.parse_body) {
      const body = this.ensure_body();
      const rest = wireForm(body.parse_end());
      if (rest.length > 0) {
        body.force_end();
        if (!this.discard_data) this.message_stream.add_line(rest);
      }
    }
    if (this.discard_data) done();
    else this.message_stream.add_line_end(done);
  }

  /** No empty line came: what looks like fields from the top on is the header block, the rest is the body. */
  #splitBrokenHeader(): void {
    const first = this.header_lines.findIndex((line) => !/^(?:[^\s:]*:\s*[\s\S]*$|[ \t])/.test(line));
    const end = first === -1 ? this.header_lines.length : Math.max(first, 1);
    const rest = this.header_lines.splice(end);
    this.#headerEnds();
    if (!this.discard_data) this.message_stream.add_line(Buffer.from('\r\n'));
    for (const line of rest) {
      if (this.parse_body) this.ensure_body().parse_more(line);
      if (!this.discard_data) this.message_stream.add_line(wireForm(line.replace(/\r?\n?$/, '\n')));
    }
  }

  add_header(name: string, value: string): void {
    this.header.add_end(name, value);
    this.#resetHeaders();
  }

  add_leading_header(name: string, value: string): void {
    this.header.add(name, value);
    this.#resetHeaders();
  }

  remove_header(name: string): void {
    this.header.remove(name);
    this.#resetHeaders();
  }

  reset_headers(): void {
    this.header_pos = this.header.header_list.length || -1;
  }

  #resetHeaders(): void {
    if (this.found_hb_sep) this.reset_headers();
  }

  attachment_hooks(start: AttachmentHook): void {
    this.parse_body = true;
    this.attachment_start_hooks.push(start);
  }

  set_banner(text: string, html?: string): void {
    this.parse_body = true;
    this.banner = [text, html ?? text.replaceAll('\n', '<br/>\n')];
  }

  add_body_filter(ct_match: string | RegExp, filter: BodyFilter): void {
    this.parse_body = true;
    this.body_filters.push({ ct_match, filter });
    if (this.body !== null) addFilter(this.body, ct_match, filter);
  }

  incr_mime_count(): void {
    this.mime_part_count += 1;
  }
}

/** The filter sees parts whose content type fits: by pattern, or by how it begins. */
function addFilter(body: Body, wanted: string | RegExp, filter: BodyFilter): void {
  body.add_filter((contentType, encoding, bytes) => {
    if (!contentType) return bytes;
    const type = String(contentType).toLowerCase().trim();
    const fits = isRegExp(wanted) ? wanted.test(type) : type.startsWith(String(wanted).toLowerCase());
    return fits ? (filter(contentType, encoding, bytes) ?? bytes) : bytes;
  });
}

/** The body parser wants lines that end in LF alone. */
function withoutFinalCr(line: Buffer): Buffer {
  if (line.length < 2 || line[line.length - 2] !== cr || line[line.length - 1] !== lf) return line;
  const shorter = Buffer.from(line.subarray(0, -1));
  shorter[shorter.length - 1] = lf;
  return shorter;
}

/** Text as it goes over the wire: every line ends in CRLF, a dot at its beginning is doubled (RFC 5321 §4.5.2). */
function wireForm(text: Buffer | string): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  if (bytes.length === 0) return bytes;
  const wire = bytes
    .toString('latin1')
    .replace(/\r?\n/g, '\r\n')
    .replace(/(^|\n)\./g, '$1..');
  return Buffer.from(wire, 'latin1');
}
