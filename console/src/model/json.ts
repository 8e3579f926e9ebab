// Where a text stops being JSON. Engines of browsers say it in words, and not always where.

const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const OTHER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** The offset of the first fault; undefined: the text is JSON. */
export function faultOf(text: string): number | undefined {
  let at = 0;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at = pattern.lastIndex;
    return found !== null;
  };
  const space = () => take(SPACE);
  // What is open: the brackets that will close it.
  const open: string[] = [];
  const value = (): boolean => {
    for (;;) {
      space();
      const bracket = text[at];
      if (bracket !== '{' && bracket !== '[') return take(STRING) || take(OTHER);
      at += 1;
      space();
      const close = bracket === '{' ? '}' : ']';
      if (text[at] === close) {
        at += 1;
        return true;
      }
      open.push(close);
      if (close === '}' && !key()) return false;
    }
  };
  const key = (): boolean => {
    space();
    if (!take(STRING)) return false;
    space();
    if (text[at] !== ':') return false;
    at += 1;
    return true;
  };
  if (!value()) return at;
  while (open.length) {
    space();
    if (text[at] === open.at(-1)) {
      at += 1;
      open.pop();
    } else if (text[at] === ',') {
      at += 1;
      if (!((open.at(-1) === ']' || key()) && value())) return at;
    } else return at;
  }
  space();
  return at === text.length ? undefined : at;
}
