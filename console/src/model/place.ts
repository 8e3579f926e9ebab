// Where the server says that a text is wrong.

/** A part of a text. */
export interface Span {
  from: number;
  to: number;
}

/** The place that a refusal of a document names: a line, a line and a column, or an element with its attribute. */
export function placeIn(text: string, message: string): Span | undefined {
  const line = /\bline (\d+)\b/.exec(message);
  if (line) return lineAt(text, Number(line[1]));
  const position = /\bat (\d+):(\d+)/.exec(message);
  if (position) {
    const whole = lineAt(text, Number(position[1]));
    if (!whole) return undefined;
    const from = Math.min(whole.from + Number(position[2]) - 1, whole.to);
    return { from, to: Math.max(from, whole.to) };
  }
  const element = /\belement (?:with name )?'([\w:.-]+)'/.exec(message)?.[1];
  if (!element) return undefined;
  const attribute = /\b[Aa]ttribute '([\w:.-]+)'/.exec(message)?.[1];
  const value = /\bvalue '([^']*)' of attribute/.exec(message)?.[1];
  const open = new RegExp(`<${escaped(element)}(?=[\\s/>])[^>]*`, 'g');
  for (const found of text.matchAll(open)) {
    const whole = { from: found.index, to: found.index + element.length + 1 };
    if (!attribute) return whole;
    const inside = new RegExp(`\\s${escaped(attribute)}\\s*=\\s*(["'])(.*?)\\1`).exec(found[0]);
    if (inside && (value === undefined || inside[2] === value)) {
      const from = found.index + inside.index + 1;
      return { from, to: found.index + inside.index + inside[0].length };
    }
    if (!inside && message.includes('must appear')) return whole;
  }
  return undefined;
}

/** The line of a number from 1 on, without its end. */
export function lineAt(text: string, number: number): Span | undefined {
  const lines = text.split('\n');
  const line = lines[number - 1];
  if (line === undefined) return undefined;
  const from = lines.slice(0, number - 1).reduce((sum, one) => sum + one.length + 1, 0);
  return { from, to: from + line.length };
}

/** The offset of a line and a column, both from 1 on. */
export function offsetOf(text: string, line: number, column: number): number {
  const whole = lineAt(text, line);
  return whole ? Math.min(whole.from + column - 1, whole.to) : text.length;
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
