/** What is drawn, and what it was made of. A renderer for what this page uses of React, whose types it goes by: React's own takes 68 KB of the 80 that the page may have. */

export interface Context<T> {
  initial: T;
}
type Component = (props: Props) => unknown;
export type Type = string | Component | Context<unknown> | null;
export type Props = Record<string, unknown>;

/** What JSX makes. */
export interface Element {
  type: Type;
  key: string | undefined;
  props: Props;
}

export interface Hook {
  value?: unknown;
  deps?: readonly unknown[] | undefined;
  undo?: (() => void) | undefined;
}

/** A place in the page. Only text and elements of HTML and SVG have a `dom`. */
export interface Place {
  type: Type;
  props: Props;
  /** Text, where it is text. */
  text?: string;
  parent: Place | null;
  kids: Map<string, Place>;
  dom?: globalThis.Element | Text;
  hooks: Hook[];
  gone: boolean;
}

const isElement = (value: unknown): value is Element =>
  typeof value === 'object' && value !== null && 'type' in value && 'props' in value;

/** Children under names that stay theirs when those before them come and go. */
export function named(children: unknown, name = '', found = new Map<string, Element | string>()) {
  if (Array.isArray(children)) {
    children.forEach((child: unknown, index) => {
      const own = isElement(child) && child.key !== undefined ? `$${child.key}` : String(index);
      named(child, `${name}/${own}`, found);
    });
  } else if (isElement(children)) found.set(children.key === undefined ? name : `${name}$${children.key}`, children);
  else if (typeof children === 'string' || typeof children === 'number') found.set(name, String(children));
  return found;
}

/** The nearest elements and texts at or below a place, in order. */
export function* domsOf(place: Place): Generator<globalThis.Element | Text> {
  if (place.dom) yield place.dom;
  else for (const kid of place.kids.values()) yield* domsOf(kid);
}
