import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longestProxyHeader, readProxyHeader } from './proxy-header.ts';

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
const v1 = (line: string): Buffer => Buffer.from(`${line}\r\n`, 'latin1');

/** A version 2 header; `command` 1 is PROXY, `family` 0x11 TCP over IPv4. */
function v2(addresses: readonly number[], command = 0x21, family = 0x11, tail = Buffer.alloc(0)): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(addresses.length + tail.length);
  return Buffer.concat([signature, Buffer.from([command, family]), length, Buffer.from(addresses), tail]);
}
const ipv4 = [192, 0, 2, 1, 198, 51, 100, 2, 0x30, 0x39, 0x02, 0x4b];
const expected = {
  status: 'done',
  connection: {
    source: { address: '192.0.2.1', port: 12_345 },
    destination: { address: '198.51.100.2', port: 587 },
  },
};

describe('readProxyHeader', () => {
  it.each([
    ['version 1', v1('PROXY TCP4 192.0.2.1 198.51.100.2 12345 587')],
    ['version 2', v2(ipv4)],
    ['version 2 with type-length-values', v2(ipv4, 0x21, 0x11, Buffer.from([4, 0, 2, 1, 2]))],
  ])('reads %s, and no octet of what follows', (_name, header) => {
    expect(readProxyHeader(Buffer.concat([header, Buffer.from('EHLO x\r\n')]))).toEqual({
      ...expected,
      length: header.length,
    });
    for (let cut = 0; cut < header.length; cut++) {
      expect(readProxyHeader(header.subarray(0, cut)).status).toBe('incomplete');
    }
  });

  it('reads IPv6, and unwraps IPv4-mapped addresses', () => {
    expect(readProxyHeader(v1('PROXY TCP6 2001:DB8:0:0::1 ::1 1 25'))).toMatchObject({
      connection: { source: { address: '2001:db8::1', port: 1 }, destination: { address: '::1' } },
    });
    const mapped = [...Array(10).fill(0), 255, 255, 192, 0, 2, 1];
    expect(readProxyHeader(v2([...mapped, ...mapped, 0, 1, 0, 25], 0x21, 0x21))).toMatchObject({
      connection: { source: { address: '192.0.2.1' } },
    });
  });

  it.each([
    ['UNKNOWN', v1('PROXY UNKNOWN')],
    ['UNKNOWN with addresses', v1('PROXY UNKNOWN ffff::1 ffff::2 1 2')],
    ['LOCAL', v2([], 0x20, 0)],
    ['a Unix socket', v2(Array(216).fill(0), 0x21, 0x31)],
  ])('takes %s for the proxy speaking for itself', (_name, header) => {
    expect(readProxyHeader(header)).toEqual({ status: 'done', length: header.length, connection: null });
  });

  it.each([
    ['another protocol', Buffer.from('EHLO x\r\n')],
    ['lower case', v1('proxy TCP4 192.0.2.1 198.51.100.2 1 2')],
    ['an unknown family', v1('PROXY UDP4 192.0.2.1 198.51.100.2 1 2')],
    ['no address', v1('PROXY TCP4 localhost 198.51.100.2 1 2')],
    ['leading zeros', v1('PROXY TCP4 192.000.2.1 198.51.100.2 1 2')],
    ['the other family', v1('PROXY TCP4 ::1 ::1 1 2')],
    ['a port too high', v1('PROXY TCP4 192.0.2.1 198.51.100.2 65536 2')],
    ['a negative port', v1('PROXY TCP4 192.0.2.1 198.51.100.2 -1 2')],
    ['a missing port', v1('PROXY TCP4 192.0.2.1 198.51.100.2 1')],
    ['one word more', v1('PROXY TCP4 192.0.2.1 198.51.100.2 1 2 3')],
    ['two blanks', v1('PROXY TCP4  192.0.2.1 198.51.100.2 1 2')],
    ['a line without end', Buffer.from(`PROXY TCP4 ${'1'.repeat(200)}`)],
    ['version 3', v2(ipv4, 0x31)],
    ['an unknown command', v2(ipv4, 0x22)],
    ['addresses cut short', v2(ipv4.slice(0, 8))],
    ['more than is read', v2(ipv4, 0x21, 0x11, Buffer.alloc(8_000))],
  ])('refuses %s', (_name, header) => {
    expect(readProxyHeader(header)).toEqual({ status: 'invalid' });
  });

  it('decides about anything within its bound, and never throws', () => {
    const start = fc.constantFrom(signature, Buffer.from('PROXY TCP4 '), Buffer.alloc(0));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), (head, tail) => {
        const bytes = Buffer.concat([head, tail, Buffer.alloc(longestProxyHeader)]);
        expect(['done', 'invalid']).toContain(readProxyHeader(bytes).status);
      }),
    );
  });
});
