/**
 * Undoes xtext (RFC 3461 §4): `+3D` is `=`. What would not be printable ASCII stays as it was received, so that no
 * encoded line break becomes a real one.
 */
export function decodeXtext(text: string): string {
  return text.replaceAll(/\+([2-7][0-9A-F])/g, (encoded, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return code < 0x7f ? String.fromCharCode(code) : encoded;
  });
}
