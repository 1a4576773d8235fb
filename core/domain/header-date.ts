const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const two = (n: number): string => (n < 10 ? `0${n}` : String(n));

let second = Number.NaN;
let text = '';

/** A date-time of RFC 5322 §3.3 in UTC: `Sun, 22 Nov 2026 18:13:21 +0000`. `milliseconds` since the epoch. */
export function headerDate(milliseconds: number): string {
  const now = Math.floor(milliseconds / 1_000);
  // Hundreds of messages a second share one text.
  if (now !== second) {
    const date = new Date(now * 1_000);
    const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
    text = `${days[date.getUTCDay()]}, ${two(date.getUTCDate())} ${months[date.getUTCMonth()]} ${date.getUTCFullYear()} ${time} +0000`;
    second = now;
  }
  return text;
}
