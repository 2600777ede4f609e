import type { Props } from './nodes.ts';

const SVG = 'http://www.w3.org/2000/svg';
/** Those that scripts set as properties: the attribute is only what they begin with. */
const LIVE = new Set(['value', 'checked', 'disabled']);
const NAMES: Record<string, string> = {
  className: 'class',
  textAnchor: 'text-anchor',
  shapeRendering: 'shape-rendering',
};
/** React's `onChange` is told with every key. */
const eventOf = (name: string): string => (name === 'onChange' ? 'input' : name.slice(2).toLowerCase());

export const createDom = (type: string, within: Element | undefined): Element =>
  type === 'svg' || within?.namespaceURI === SVG ? document.createElementNS(SVG, type) : document.createElement(type);

function setOne(dom: Element, name: string, before: unknown, now: unknown): void {
  if (name === 'children' || name === 'key') return;
  if (name.startsWith('on')) {
    if (typeof before === 'function') dom.removeEventListener(eventOf(name), listenerOf(before));
    if (typeof now === 'function') dom.addEventListener(eventOf(name), listenerOf(now));
  } else if (LIVE.has(name)) {
    if (Reflect.get(dom, name) !== now) Reflect.set(dom, name, now ?? '');
  } else if (now === undefined || now === null || (now === false && !name.startsWith('aria-'))) {
    dom.removeAttribute(NAMES[name] ?? name);
  } else dom.setAttribute(NAMES[name] ?? name, now === true && !name.startsWith('aria-') ? '' : String(now));
}

const listeners = new WeakMap<object, EventListener>();
/** The same listener for the same handler, so that it can be taken away. */
function listenerOf(handler: object): EventListener {
  const known = listeners.get(handler);
  if (known) return known;
  const made: EventListener = (event) => {
    if (typeof handler === 'function') handler(event);
  };
  listeners.set(handler, made);
  return made;
}

export function setProps(dom: Element, before: Props, now: Props): void {
  for (const name of new Set([...Object.keys(before), ...Object.keys(now)])) {
    if (before[name] !== now[name] || LIVE.has(name)) setOne(dom, name, before[name], now[name]);
  }
}

/** Puts these, and in this order, into `host`; what does not belong there was taken out before. */
export function arrange(host: Element, doms: Iterable<Element | Text>): void {
  let next: ChildNode | null = host.firstChild;
  for (const dom of doms) {
    if (dom === next) next = next.nextSibling;
    else host.insertBefore(dom, next);
  }
}
