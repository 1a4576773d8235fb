import { HeaderBlock, unfold } from './header-block.ts';
import type { HeaderEdit } from './header-edit.ts';
import { checkFieldName, checkFieldValue, fieldText } from './header-field-text.ts';

interface NewField {
  readonly name: string;
  readonly lower: string;
  readonly value: string;
  readonly text: string;
}

/** A field of the block as received, by its number there, or one that an edit made. */
type Field = number | NewField;

const empty = new HeaderBlock(new Uint8Array(0));
const lineBreak = Buffer.from('\r\n');

/** How a new field is written: `fold: false` leaves a long value on its line. */
export interface FieldForm {
  readonly fold?: false | undefined;
}

const editForm = ({ fold }: FieldForm): { fold?: false } => (fold === false ? { fold } : {});

function newField(name: string, value: string, { fold }: FieldForm): NewField {
  checkFieldName(name);
  checkFieldValue(value);
  return { name, lower: name.toLowerCase(), value: unfold(value), text: fieldText(name, value, fold) };
}

/**
 * A header block as it stands after its edits. The block is read when first looked at; fields that are only put before
 * or behind it never need that. Names compare without case. Edits throw a RangeError when name or value are not fit for a header.
 */
export class EditedHeaders {
  readonly #read: () => HeaderBlock;
  readonly #edits: HeaderEdit[] = [];
  #block: HeaderBlock = empty;
  #before: NewField[] = [];
  #behind: NewField[] = [];
  /** Null until a field as received was removed or replaced: until then the block stands whole. */
  #inner: Field[] | null = null;

  /** `edits`: those stored with the message; they stand first in `edits`. */
  constructor(block: HeaderBlock | (() => HeaderBlock), edits: readonly HeaderEdit[] = []) {
    this.#read = typeof block === 'function' ? block : () => block;
    for (const edit of edits) this.apply(edit);
  }

  get edits(): readonly HeaderEdit[] {
    return this.#edits;
  }

  get block(): HeaderBlock {
    if (this.#block === empty) this.#block = this.#read();
    return this.#block;
  }

  apply(edit: HeaderEdit): void {
    if (edit.do === 'prepend') this.prepend(edit.name, edit.value, edit);
    else if (edit.do === 'append') this.append(edit.name, edit.value, edit);
    else if (edit.do === 'replace') this.replace(edit.name, edit.nth, edit.value, edit);
    else this.remove(edit.name, edit.nth);
  }

  get(name: string): string | undefined {
    const lower = name.toLowerCase();
    for (const field of this.#all()) if (this.#is(field, lower)) return this.#value(field);
    return undefined;
  }

  all(name: string): string[] {
    const lower = name.toLowerCase();
    const values: string[] = [];
    for (const field of this.#all()) if (this.#is(field, lower)) values.push(this.#value(field));
    return values;
  }

  fields(): { readonly name: string; readonly value: string }[] {
    return Array.from(this.#all(), (field) => ({
      name: typeof field === 'number' ? this.block.name(field) : field.name,
      value: this.#value(field),
    }));
  }

  prepend(name: string, value: string, form: FieldForm = {}): void {
    this.#before.unshift(newField(name, value, form));
    this.#edits.push({ do: 'prepend', name, value, ...editForm(form) });
  }

  append(name: string, value: string, form: FieldForm = {}): void {
    this.#behind.push(newField(name, value, form));
    this.#edits.push({ do: 'append', name, value, ...editForm(form) });
  }

  /** Removes the `nth` field of that name, or all of them; nothing happens where there is none. */
  remove(name: string, nth?: number): void {
    if (nth === undefined) {
      while (this.#splice(name, 0)) this.#edits.push({ do: 'remove', name, nth: 0 });
    } else if (this.#splice(name, nth)) this.#edits.push({ do: 'remove', name, nth });
  }

  /** Throws a RangeError where there is no `nth` field of that name. */
  replace(name: string, nth: number, value: string, form: FieldForm = {}): void {
    const field = newField(name, value, form);
    if (!this.#splice(name, nth, field)) throw new RangeError(`There is no field ${name} number ${nth} to replace`);
    this.#edits.push({ do: 'replace', name, nth, value, ...editForm(form) });
  }

  /** The edited block with the empty line behind it; the body follows from `block.bodyStart`. */
  render(): Buffer {
    const block = this.block;
    const pieces: Buffer[] = [];
    if (this.#before.length > 0) pieces.push(Buffer.from(this.#before.map((field) => field.text).join('')));
    if (this.#inner === null) {
      pieces.push(block.bytes.subarray(0, block.end));
    } else {
      for (const field of this.#inner) {
        pieces.push(typeof field === 'number' ? block.raw(field) : Buffer.from(field.text));
      }
    }
    const last = pieces.at(-1);
    if (last !== undefined && last.length > 0 && last.at(-1) !== 0x0a) pieces.push(lineBreak);
    if (this.#behind.length > 0) pieces.push(Buffer.from(this.#behind.map((field) => field.text).join('')));
    pieces.push(lineBreak);
    return Buffer.concat(pieces);
  }

  *#all(): Generator<Field> {
    yield* this.#before;
    if (this.#inner !== null) yield* this.#inner;
    else for (let n = 0; n < this.block.count; n++) yield n;
    yield* this.#behind;
  }

  #is(field: Field, lower: string): boolean {
    return typeof field === 'number' ? this.block.is(field, lower) : field.lower === lower;
  }

  #value(field: Field): string {
    return typeof field === 'number' ? this.block.value(field) : field.value;
  }

  /** Takes out the `nth` field of that name, putting `instead` in its place; false where there is none. */
  #splice(name: string, nth: number, ...instead: NewField[]): boolean {
    const lower = name.toLowerCase();
    let left = nth;
    this.#inner ??= Array.from({ length: this.block.count }, (_, n) => n);
    for (const fields of [this.#before, this.#inner, this.#behind] as Field[][]) {
      for (let i = 0; i < fields.length; i++) {
        const field = fields[i];
        if (field === undefined || !this.#is(field, lower) || left-- > 0) continue;
        fields.splice(i, 1, ...instead);
        return true;
      }
    }
    return false;
  }
}
