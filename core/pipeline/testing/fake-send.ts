import type { Send, Submission } from '../../storage/ports/send.ts';

/** A submission with its content collected. */
export interface Sent extends Omit<Submission, 'content'> {
  readonly id: string;
  readonly content: Buffer;
}

/** A way out that remembers what plugins sent, and can be made to fail. */
export class FakeSend implements Send {
  readonly sent: Sent[] = [];
  /** Set to make every submission reject with it. */
  failure: Error | null = null;

  async send(submission: Submission): Promise<{ readonly id: string }> {
    const { content } = submission;
    const pieces: Uint8Array[] = [];
    if (content instanceof Uint8Array) pieces.push(content);
    else for await (const piece of content) pieces.push(piece);
    if (this.failure !== null) throw this.failure;
    const id = `sent-${this.sent.length + 1}`;
    this.sent.push({ ...submission, id, content: Buffer.concat(pieces) });
    return { id };
  }
}
