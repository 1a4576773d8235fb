/**
 * One change of the header block. The bytes as received never change: the edits are stored in order with the
 * record and applied on every read. `nth` counts from 0 among the fields of that name as they stand at that point,
 * from the top; names compare without case. Values are unfolded text without line breaks, or already folded with CRLF + blank.
 * With `fold: false` the value goes out as it is written here, however long its lines.
 */
export type HeaderEdit =
  | { readonly do: 'prepend'; readonly name: string; readonly value: string; readonly fold?: false }
  | { readonly do: 'append'; readonly name: string; readonly value: string; readonly fold?: false }
  | { readonly do: 'remove'; readonly name: string; readonly nth: number }
  | {
      readonly do: 'replace';
      readonly name: string;
      readonly nth: number;
      readonly value: string;
      readonly fold?: false;
    };
