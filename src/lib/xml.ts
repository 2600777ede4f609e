/** Reads XML 1.0 as it comes, without entities of its own and without a document type, which nobody needs and attackers use. */

export interface XmlEvents {
  /** Names without the prefixes of their namespaces. */
  open(name: string, attribute: (name: string) => string | undefined): void;
  close(name: string): void;
  text(text: string): void;
}

/** No tag and no text is longer. */
const LONGEST = 262_144;
const DEEPEST = 100;
const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

function decoded(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&([^;]{0,12});?/g, (whole, name: string) => {
    const known = ENTITIES[name];
    if (known !== undefined) return known;
    const [, hex, digits] = /^#(?:x([0-9a-f]+)|(\d+))$/i.exec(name) ?? [];
    const point = hex === undefined ? Number(digits ?? Number.NaN) : Number.parseInt(hex, 16);
    if (!(point > 0 && point <= 0x10ffff)) throw new RangeError(`no entity ${whole}`);
    return String.fromCodePoint(point);
  });
}

const local = (name: string): string => name.slice(name.indexOf(':') + 1);

/** Where a tag ends; `>` may stand in an attribute. -1 when it is not there yet. */
function endOfTag(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '>') return at;
    if (sign !== '"' && sign !== "'") continue;
    at = text.indexOf(sign, at + 1);
    if (at < 0) return -1;
  }
  return -1;
}

/** What is text whatever stands in it, or not there for a reader at all. */
const SECTIONS = [
  ['<!--', '-->'],
  ['<![CDATA[', ']]>'],
  ['<?', '?>'],
] as const;

export function createXmlReader(on: XmlEvents) {
  let rest = '';
  const opened: string[] = [];

  function close(name: string): void {
    if (opened.pop() !== name) throw new RangeError(`</${name}> closes nothing`);
    on.close(local(name));
  }

  function tag(inside: string): void {
    if (inside.startsWith('/')) {
      close(inside.slice(1).trim());
      return;
    }
    const isEmpty = inside.endsWith('/');
    const [name = ''] = /^[^\s/]+/.exec(inside) ?? [];
    if (opened.push(name) > DEEPEST) throw new RangeError('too deep');
    if (name === '') throw new RangeError('a tag without a name');
    on.open(local(name), (wanted) => {
      for (const [, key = '', , double, single] of inside.matchAll(/\s([^\s=]+)\s*=\s*("([^"]*)"|'([^']*)')/g)) {
        if (local(key) === wanted) return decoded(double ?? single ?? '');
      }
      return undefined;
    });
    if (isEmpty) close(name);
  }

  return {
    write(more: string): void {
      const text = rest + more;
      let at = 0;
      for (;;) {
        const from = text.indexOf('<', at);
        if (from < 0) break;
        if (from > at) on.text(decoded(text.slice(at, from)));
        at = from;
        const section = SECTIONS.find(([start]) => text.startsWith(start, from));
        if (!section && text.startsWith('<!', from) && text.length > from + 9) throw new RangeError('a document type');
        const end = section ? text.indexOf(section[1], from + section[0].length) : endOfTag(text, from + 1);
        if (end < 0) break;
        if (!section) tag(text.slice(from + 1, end));
        else if (section[0] === '<![CDATA[') on.text(text.slice(from + section[0].length, end));
        at = end + (section ? section[1].length : 1);
      }
      rest = text.slice(at);
      if (rest.length > LONGEST) throw new RangeError('a tag or text that is too long');
    },
    /** Throws when the end is missing. */
    end(): void {
      if (rest.trim() !== '' || opened.length > 0) throw new RangeError('it is cut off');
    },
  };
}
