/**
 * An SMTP reply (RFC 5321 §4.2) with its enhanced status code (RFC 3463).
 * `text` is public; several lines become a multi-line reply. `cause` is logged and never sent.
 */
export interface Reply {
  readonly code: number;
  /** `class.subject.detail` as in RFC 3463, or null where the standard forbids one (220 greeting, 354, EHLO). */
  readonly enhanced: string | null;
  readonly text: string | readonly string[];
  readonly cause?: unknown;
}

/** Makes a reply. The first digit of `enhanced` has to be that of `code`; a programmer's error otherwise. */
export function reply(code: number, enhanced: string | null, text: string | readonly string[], cause?: unknown): Reply {
  if (enhanced !== null && enhanced[0] !== String(code)[0]) {
    throw new RangeError(`enhanced code ${enhanced} does not fit reply code ${code}`);
  }
  return cause === undefined ? { code, enhanced, text } : { code, enhanced, text, cause };
}

/** True for 4yz: the client may try again (RFC 5321 §4.2.1). */
export const isTemporary = (r: Reply): boolean => r.code >= 400 && r.code < 500;

/** True for 5yz: trying again unchanged is of no use. */
export const isPermanent = (r: Reply): boolean => r.code >= 500;

/** The reply on one line, as logs, traces and DSNs show it: `550 5.1.1 no such user`. */
export function replyLine(r: Reply): string {
  const text = typeof r.text === 'string' ? r.text : r.text.join(' ');
  return r.enhanced === null ? `${r.code} ${text}` : `${r.code} ${r.enhanced} ${text}`;
}
