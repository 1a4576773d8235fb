import type { MessageHeaders } from '../../../core/pipeline/plugin.ts';
import type { Libraries } from '../libraries.ts';
import type { Header } from './types.ts';

/** A header block whose changes are made to the message as well, once it is there. */
export type RecordedHeader = Header & {
  /**
   * The message has come: changes go to its header block from now on. What plugins added before stands in front of
   * what was received, as in Haraka.
   */
  recordTo(headers: MessageHeaders): void;
};

const classes = new WeakMap<Libraries, new () => RecordedHeader>();

export const RecordedHeader = {
  make(libraries: Libraries): RecordedHeader {
    let known = classes.get(libraries);
    if (known === undefined) {
      known = classOf(libraries.message.Header);
      classes.set(libraries, known);
    }
    return new known();
  },
};

function classOf(Base: Libraries['message']['Header']): new () => RecordedHeader {
  return class extends Base {
    #headers: MessageHeaders | null = null;

    recordTo(headers: MessageHeaders): void {
      for (const entry of [...this.header_list].reverse()) write(entry, (name, value) => prepend(headers, name, value));
      // They come again with the message, which is read from here on.
      this.header_list.length = 0;
      this.headers = Object.create(null);
      this.headers_decoded = Object.create(null);
      this.#headers = headers;
    }

    override add(name: string, value: string): void {
      const before = this.header_list.length;
      super.add(name, value);
      const headers = this.#headers;
      if (headers === null || this.header_list.length === before) return;
      write(this.header_list[0], (field, text) => prepend(headers, field, text));
    }

    override add_end(name: string, value: string): void {
      const before = this.header_list.length;
      super.add_end(name, value);
      const headers = this.#headers;
      if (headers === null || this.header_list.length === before) return;
      write(this.header_list.at(-1), (field, text) => headers.append(field, text, { fold: false }));
    }

    override remove(name: string): void {
      super.remove(name);
      this.#headers?.remove(name);
    }
  };
}

const prepend = (headers: MessageHeaders, name: string, value: string): void =>
  headers.prepend(name, value, { fold: false });

/** Takes `Name: value\n` apart as Haraka's library has written it: encoded, and folded where it had line breaks. */
function write(entry: string | undefined, put: (name: string, value: string) => void): void {
  if (entry === undefined) return;
  const colon = entry.indexOf(':');
  const value = entry
    .slice(colon + 1)
    .replace(/^ /, '')
    .replace(/\r?\n$/, '');
  put(entry.slice(0, colon), value.replaceAll(/\r?\n/g, '\r\n'));
}
