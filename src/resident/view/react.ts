import { arrange, createDom, setProps } from './dom.ts';
import { type Context, domsOf, type Element, type Hook, named, type Place, type Type } from './nodes.ts';

/** Under the names and with the meaning that they have in React. */

let drawn: Place | undefined;
let nextHook = 0;
const waiting = new Set<Place>();
const effects: (() => void)[] = [];

const placeFor = (type: Type, parent: Place | null): Place => ({
  type,
  props: {},
  parent,
  kids: new Map(),
  hooks: [],
  gone: false,
});

function hostOf(place: Place | null): globalThis.Element | undefined {
  for (let each = place; each; each = each.parent) if (each.dom && 'tagName' in each.dom) return each.dom;
  return undefined;
}

function remove(place: Place, fromDom: boolean): void {
  place.gone = true;
  for (const { undo } of place.hooks) undo?.();
  if (fromDom) place.dom?.remove();
  for (const kid of place.kids.values()) remove(kid, fromDom && !place.dom);
}

function drawKids(place: Place, children: unknown): void {
  const wanted = named(children);
  const before = place.kids;
  place.kids = new Map();
  for (const [name, child] of wanted) {
    const known = before.get(name);
    const type = typeof child === 'string' ? null : child.type;
    const isText = typeof child === 'string';
    const fits = known !== undefined && known.type === type && (known.text !== undefined) === isText;
    const kid = fits ? known : placeFor(type, place);
    if (fits) before.delete(name);
    place.kids.set(name, kid);
    draw(kid, child);
  }
  for (const kid of before.values()) remove(kid, true);
}

function draw(place: Place, child: Element | string): void {
  waiting.delete(place);
  if (typeof child === 'string') {
    place.dom ??= document.createTextNode(child);
    if (place.text !== child) place.dom.textContent = child;
    place.text = child;
    return;
  }
  const { type, props } = child;
  const before = place.props;
  place.props = props;
  if (typeof type === 'function') {
    const outer = [drawn, nextHook] as const;
    [drawn, nextHook] = [place, 0];
    const children = type(props);
    [drawn, nextHook] = outer;
    drawKids(place, children);
  } else if (typeof type === 'string') {
    const dom = place.dom && 'tagName' in place.dom ? place.dom : createDom(type, hostOf(place.parent));
    place.dom = dom;
    drawKids(place, props['children']);
    arrange(
      dom,
      [...place.kids.values()].flatMap((kid) => [...domsOf(kid)]),
    );
    setProps(dom, before, props);
  } else drawKids(place, props['children']);
}

function settle(): void {
  for (const place of effects.splice(0)) place();
}

function redraw(): void {
  // Those above first: they draw what stands below them.
  const depth = (place: Place): number => (place.parent ? depth(place.parent) + 1 : 0);
  for (const place of [...waiting].sort((a, b) => depth(a) - depth(b))) {
    if (!waiting.delete(place) || place.gone) continue;
    draw(place, { type: place.type, key: undefined, props: place.props });
    let host: Place | null = place;
    while (host && !host.dom) host = host.parent;
    if (host?.dom && 'tagName' in host.dom) {
      arrange(
        host.dom,
        [...host.kids.values()].flatMap((kid) => [...domsOf(kid)]),
      );
    }
  }
  settle();
}

function ask(place: Place): void {
  if (waiting.size === 0) queueMicrotask(redraw);
  waiting.add(place);
}

function hook(): { place: Place; own: Hook; isNew: boolean } {
  if (!drawn) throw new Error('hooks are for components');
  const known = drawn.hooks[nextHook];
  const own = known ?? {};
  if (!known) drawn.hooks.push(own);
  nextHook += 1;
  return { place: drawn, own, isNew: !known };
}

const same = (a: readonly unknown[] | undefined, b: readonly unknown[] | undefined): boolean =>
  a !== undefined && b !== undefined && a.every((each, index) => Object.is(each, b[index]));

export function useState(initial?: unknown): [unknown, (next: unknown) => void] {
  const { place, own, isNew } = hook();
  if (isNew) own.value = typeof initial === 'function' ? initial() : initial;
  return [
    own.value,
    (next) => {
      const value: unknown = typeof next === 'function' ? next(own.value) : next;
      if (Object.is(value, own.value)) return;
      own.value = value;
      if (!place.gone) ask(place);
    },
  ];
}

export function useEffect(effect: () => undefined | (() => void), deps?: readonly unknown[]): void {
  const { own, place } = hook();
  if (same(own.deps, deps)) return;
  own.deps = deps;
  effects.push(() => {
    own.undo?.();
    own.undo = place.gone ? undefined : effect();
  });
}

export function useRef(initial: unknown): { current: unknown } {
  const [ref] = useState(() => ({ current: initial }));
  return ref as { current: unknown };
}

export function useCallback(callback: unknown, deps: readonly unknown[]): unknown {
  const { own } = hook();
  if (!same(own.deps, deps)) [own.value, own.deps] = [callback, deps];
  return own.value;
}

export function useSyncExternalStore(subscribe: (listener: () => void) => () => void, read: () => unknown): unknown {
  const [, setSeen] = useState();
  const value = read();
  useEffect(() => subscribe(() => setSeen(read())), [subscribe]);
  useEffect(() => void setSeen(value), [value]);
  return value;
}

export const createContext = <T>(initial: T): Context<T> => ({ initial });

export function useContext<T>(context: Context<T>): T {
  for (let place = drawn ?? null; place; place = place.parent) {
    if (place.type === context) return place.props['value'] as T;
  }
  return context.initial;
}

export const Fragment = null;
export const jsx = (type: Type, props: Element['props'], key?: string | number): Element => ({
  type,
  props,
  key: key === undefined ? undefined : String(key),
});
export const jsxs = (type: Type, props: Element['props'], key?: string | number): Element => jsx(type, props, key);
export const jsxDEV = (type: Type, props: Element['props'], key?: string | number): Element => jsx(type, props, key);

export function createRoot(dom: globalThis.Element) {
  const root = placeFor(dom.tagName, null);
  root.dom = dom;
  return {
    render(element: Element): void {
      draw(root, { type: dom.tagName, key: undefined, props: { children: element } });
      settle();
    },
  };
}
