import { createSocket } from 'node:dgram';

/** Records of one name; TXT strings of any length. */
export interface DnsRecords {
  readonly A?: readonly string[];
  readonly AAAA?: readonly string[];
  readonly MX?: readonly (readonly [preference: number, exchange: string])[];
  readonly TXT?: readonly string[];
  readonly PTR?: readonly string[];
}

/** By name, lower case; a name that is missing does not exist. `servfail`: the server has a trouble of its own. */
export type DnsZone = Readonly<Record<string, DnsRecords | 'servfail'>>;

export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:port`, as dns.setServers takes it. */
  readonly address: string;
}

const types = { 1: 'A', 12: 'PTR', 15: 'MX', 16: 'TXT', 28: 'AAAA' } as const;
type TypeNumber = keyof typeof types;
const isKnown = (type: number): type is TypeNumber => type in types;

const encodeName = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .split('.')
      .filter((label) => label !== '')
      .map((label) => Buffer.from([label.length, ...Buffer.from(label)])),
    Buffer.from([0]),
  ]);

const encodeText = (text: string): Buffer => {
  const pieces: Buffer[] = [];
  for (let at = 0; at === 0 || at < text.length; at += 255) {
    const piece = Buffer.from(text.slice(at, at + 255));
    pieces.push(Buffer.from([piece.length]), piece);
  }
  return Buffer.concat(pieces);
};

const encodeAaaa = (address: string): Buffer => {
  const [head = '', tail = ''] = address.split('::');
  const left = head.split(':').filter((part) => part !== '');
  const right = tail.split(':').filter((part) => part !== '');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
};

const encodeMx = ([preference, exchange]: readonly [number, string]): Buffer =>
  Buffer.concat([Buffer.from([preference >> 8, preference & 255]), encodeName(exchange)]);

const encode = (records: DnsRecords, type: TypeNumber): Buffer[] => {
  if (type === 1) return (records.A ?? []).map((address) => Buffer.from(address.split('.').map(Number)));
  if (type === 28) return (records.AAAA ?? []).map(encodeAaaa);
  if (type === 12) return (records.PTR ?? []).map(encodeName);
  if (type === 15) return (records.MX ?? []).map(encodeMx);
  return (records.TXT ?? []).map(encodeText);
};

/** The answer to one question (RFC 1035 §4.1), as the zone has it. */
export const answerDns = (question: Buffer, zone: DnsZone): Buffer => {
  const labels: string[] = [];
  let at = 12;
  for (let length = question[at] ?? 0; length > 0; length = question[at] ?? 0) {
    labels.push(question.toString('latin1', at + 1, at + 1 + length).toLowerCase());
    at += 1 + length;
  }
  const end = at + 5;
  const type = question.readUInt16BE(at + 1);
  const found = zone[labels.join('.')];
  const header = Buffer.alloc(12);
  question.copy(header, 0, 0, 2);
  const code = found === undefined ? 3 : found === 'servfail' ? 2 : 0;
  header.writeUInt16BE(0x8580 | code, 2);
  header.writeUInt16BE(1, 4);
  const answers = typeof found === 'object' && isKnown(type) ? encode(found, type) : [];
  header.writeUInt16BE(answers.length, 6);
  const records = answers.map((data) => {
    const head = Buffer.alloc(12);
    head.writeUInt16BE(0xc00c, 0);
    head.writeUInt16BE(type, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt32BE(60, 6);
    head.writeUInt16BE(data.length, 10);
    return Buffer.concat([head, data]);
  });
  return Buffer.concat([header, question.subarray(12, end), ...records]);
};

/** Answers for these names on a UDP port of loopback, and for no other. */
export const startDnsServer = async (zone: DnsZone): Promise<DnsServer> => {
  const socket = createSocket('udp4');
  socket.on('message', (question, from) => {
    socket.send(answerDns(question, zone), from.port, from.address);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, '127.0.0.1', resolve);
  });
  return {
    address: `127.0.0.1:${socket.address().port}`,
    [Symbol.asyncDispose]: () => new Promise((resolve) => socket.close(() => resolve())),
  };
};
