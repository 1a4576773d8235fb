const encodedWord = /=\?[^?\s]+\?([BbQq])\?([^?\s]*)\?=/g;

function decode(encoding: string, text: string): string {
  if (encoding.toLowerCase() === 'b') return Buffer.from(text, 'base64').toString('latin1');
  return text
    .replaceAll('_', ' ')
    .replace(/=([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
}

const isControl = (text: string): boolean => {
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
};

/**
 * True if encoded words (RFC 2047) hold what would be read as another address by a program that wrongly decodes them
 * before it looks for addresses: `=?utf-8?q?boss=40evil.test=2C?= <me@example.com>`.
 */
export function hidesAddress(value: string): boolean {
  for (const [, encoding = '', text = ''] of value.matchAll(encodedWord)) {
    const decoded = decode(encoding, text);
    if (isControl(decoded) || (decoded.includes('@') && /[<>,;:"()]/.test(decoded))) return true;
  }
  return false;
}
