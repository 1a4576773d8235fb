/** What is being measured: a line that is written over on a terminal, a line each otherwise. */
export class Progress {
  readonly #started = Date.now();
  readonly #terminal = process.stderr.isTTY;

  /** Something that takes a while begins. */
  begin(text: string): void {
    if (this.#terminal) process.stderr.write(`\r\u001b[K${this.#clock()} ${text} …`);
  }

  /** It has ended, with this outcome. */
  end(text: string): void {
    process.stderr.write(`${this.#terminal ? '\r\u001b[K' : ''}${this.#clock()} ${text}\n`);
  }

  #clock(): string {
    const seconds = Math.round((Date.now() - this.#started) / 1_000);
    return `${String(Math.floor(seconds / 60)).padStart(2)}:${String(seconds % 60).padStart(2, '0')}`;
  }
}
