import type { MailParameters, RcptParameters } from './envelope.ts';
import { type Reply, reply } from './reply.ts';

/*
 * ESMTP parameters behind the path (RFC 5321 §4.1.2): one table a command says how each keyword is read. What is not
 * in the table is refused with 555, since core offers nothing else.
 */

type Writable<T> = { -readonly [K in keyof T]: T[K] };
/** Takes a value into `into`; false when it does not fit the syntax. */
type Reader<P> = (value: string | null, into: Writable<P>) => boolean;

const hexDigits = /^[0-9A-F]{2}$/;

/** xtext of RFC 3461 §4 that stands for printable ASCII only, so that nothing else can enter a report. */
function isXtext(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x21 || code > 0x7e || code === 0x3d) return false;
    if (code !== 0x2b) continue;
    const hex = value.slice(i + 1, i + 3);
    if (!hexDigits.test(hex)) return false;
    const decoded = Number.parseInt(hex, 16);
    if (decoded < 0x20 || decoded > 0x7e) return false;
    i += 2;
  }
  return value.length > 0;
}

/** utf-8-addr-xtext or utf-8-addr-unitext of RFC 6533 §3. */
function isUtf8Address(value: string): boolean {
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i);
    if (code < 0x21 || code === 0x3d || (code > 0x7e && code < 0xa0) || code === 0xfffd) return false;
  }
  return value.length > 0;
}

function isOriginalRecipient(value: string): boolean {
  const semicolon = value.indexOf(';');
  if (value.length > 500 || semicolon < 1) return false;
  const type = value.slice(0, semicolon).toLowerCase();
  if (!/^[a-z0-9-]+$/.test(type)) return false;
  const address = value.slice(semicolon + 1);
  return type === 'utf-8' ? isUtf8Address(address) : isXtext(address);
}

const notifications = ['NEVER', 'SUCCESS', 'FAILURE', 'DELAY'] as const;
type Notification = (typeof notifications)[number];
const isNotification = (word: string): word is Notification => (notifications as readonly string[]).includes(word);

const mailReaders: Readonly<Record<string, Reader<MailParameters>>> = {
  // RFC 1870 §4: 1 to 20 digits.
  SIZE: (value, into) => {
    if (value === null || value.length > 20 || !/^\d+$/.test(value)) return false;
    into.size = Number(value);
    return true;
  },
  BODY: (value, into) => {
    const body = value?.toUpperCase();
    if (body !== '7BIT' && body !== '8BITMIME') return false;
    into.body = body;
    return true;
  },
  SMTPUTF8: (value, into) => {
    into.smtputf8 = true;
    return value === null;
  },
  RET: (value, into) => {
    const ret = value?.toUpperCase();
    if (ret !== 'FULL' && ret !== 'HDRS') return false;
    into.ret = ret;
    return true;
  },
  // RFC 3461 §4.4: at most 100 characters.
  ENVID: (value, into) => {
    if (value === null || value.length > 100 || !isXtext(value)) return false;
    into.envid = value;
    return true;
  },
  // RFC 4954 §5: who is not trusted to name another submitter is taken as having said AUTH=<>.
  AUTH: (value) => value !== null && value.length <= 500 && (value === '<>' || isXtext(value)),
};

const rcptReaders: Readonly<Record<string, Reader<RcptParameters>>> = {
  NOTIFY: (value, into) => {
    const words = (value ?? '').toUpperCase().split(',', 4);
    if (words.join(',').length !== value?.length || !words.every(isNotification)) return false;
    if (new Set(words).size !== words.length || (words.includes('NEVER') && words.length > 1)) return false;
    into.notify = words;
    return true;
  },
  ORCPT: (value, into) => {
    if (value === null || !isOriginalRecipient(value)) return false;
    into.orcpt = value;
    return true;
  },
};

const keyword = /^[A-Za-z0-9][A-Za-z0-9-]*$/;

function readParameters<P extends object>(
  text: string,
  readers: Readonly<Record<string, Reader<P>>>,
  into: Writable<P>,
): P | Reply {
  const seen = new Set<string>();
  for (let start = 0, end = 0; start < text.length; start = end + 1) {
    end = text.indexOf(' ', start);
    if (end === -1) end = text.length;
    if (end === start) continue;
    const word = text.slice(start, end);
    const equals = word.indexOf('=');
    const name = (equals === -1 ? word : word.slice(0, equals)).slice(0, 64);
    if (!keyword.test(name)) return reply(501, '5.5.4', 'A parameter has to look like KEYWORD or KEYWORD=value');
    const key = name.toUpperCase();
    const reader = Object.hasOwn(readers, key) ? readers[key] : undefined;
    if (reader === undefined) return reply(555, '5.5.4', `The parameter ${key} is not supported here`);
    if (seen.has(key)) return reply(555, '5.5.4', `The parameter ${key} was given twice`);
    seen.add(key);
    if (!reader(equals === -1 ? null : word.slice(equals + 1), into)) {
      return reply(501, '5.5.4', `The value of the parameter ${key} is not valid`);
    }
  }
  return into as P;
}

/** Parameters of MAIL FROM, or the reply that refuses them. */
export const readMailParameters = (text: string): MailParameters | Reply =>
  readParameters<MailParameters>(text, mailReaders, {});

/** Parameters of RCPT TO, or the reply that refuses them. */
export const readRcptParameters = (text: string): RcptParameters | Reply =>
  readParameters<RcptParameters>(text, rcptReaders, {});
