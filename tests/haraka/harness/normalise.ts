import { serverName } from './haraka-folder.ts';

/*
 * What differs from run to run, and nothing else: ids, dates, and what a signature makes of them. The one Received
 * field that the server itself adds is each server's own.
 */

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?:\.\d+)*/gi;
const mailDate = /(?:\w{3}, )?\d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}(?: \([^)]*\))?/g;
const isoDate = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g;

/** What CRAM-MD5 challenges with: a random number and the time (RFC 2195 §2). */
const ticket = new RegExp(`<[0-9a-f]+\\.[0-9a-f]+@${serverName.replaceAll('.', '\\.')}>`, 'g');

export const normaliseText = (text: string): string =>
  text
    .replaceAll(uuid, '<uuid>')
    .replaceAll(ticket, '<ticket>')
    .replaceAll(mailDate, '<date>')
    .replaceAll(isoDate, '<date>');

const field = /^[!-9;-~]+:[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*/gm;
const ownReceived = new RegExp(`^Received: from [^]*?\\bby ${serverName.replaceAll('.', '\\.')}\\b`, 'i');
const ownMessageId = new RegExp(`^Message-ID: <[^>]*@${serverName.replaceAll('.', '\\.')}>`, 'i');

/** A signature's time and value; where its `h=` or `bh=` differs, that stays to be seen. */
const normaliseSignature = (text: string): string =>
  text.replaceAll(/([;\s])t=\d+/g, '$1t=<time>').replaceAll(/([;\s])b=[^;]*/g, '$1b=<signature>');

const normaliseField = (text: string): string => {
  if (ownReceived.test(text)) return 'Received: (by the server)\r\n';
  if (ownMessageId.test(text)) return 'Message-ID: (by the server)\r\n';
  if (/^DKIM-Signature:/i.test(text)) return `${normaliseSignature(text).trimEnd()}\r\n`;
  return normaliseText(text);
};

/** Header fields whose value was the same on every side before stay as they are in the body, too. */
export const normaliseMessage = (raw: Buffer): string => {
  const text = raw.toString('latin1');
  const end = text.indexOf('\r\n\r\n');
  const head = end < 0 ? text : text.slice(0, end + 2);
  return head.replaceAll(field, normaliseField) + text.slice(head.length);
};

const ownKeys = new Set(['reset', 'disconnect', 'local', 'remote', 'queue', 'queue/smtp_forward', 'outbound']);
/** Times, and what a server keeps for itself. */
const volatile = new Set([
  'time',
  'duration',
  'delay',
  'timestamp',
  'start_time',
  'data_post_start',
  'emit',
  'tls_timer',
  'human_html',
]);

/** Of CRAM-MD5 plugins keep the answer in the place of a password, which is another for each ticket. */
const withoutDigest = (password: unknown): unknown =>
  typeof password === 'string' && /^[0-9a-f]{32}$/.test(password) ? '<digest>' : password;

/** Seconds or milliseconds since 1970, of this century. */
const isTime = (value: number): boolean => (value > 1.6e9 && value < 4.2e9) || (value > 1.6e12 && value < 4.2e12);

/** The probe's facts without times and without the results that the server keeps for itself. */
export const normaliseFacts = (value: unknown, path: readonly string[] = []): unknown => {
  if (typeof value === 'string') return normaliseText(value).replace(/\btime: [\d.]+/, 'time: <time>');
  if (typeof value === 'number') return isTime(value) ? '<date>' : value;
  if (Array.isArray(value)) return value.map((item) => normaliseFacts(item, path));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !volatile.has(key) && !(path.at(-1) === 'results' && path.length === 1 && ownKeys.has(key)))
      .map(([key, inner]) => [
        key,
        key === 'auth_passwd' ? withoutDigest(inner) : normaliseFacts(inner, [...path, key]),
      ]),
  );
};
