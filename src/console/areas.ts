import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Area } from '../http/schemas/people.ts';
import { areasQuery } from './queries.ts';

type AreaNode = { value: string; title: string; children: AreaNode[] };
export type Areas = {
  tree: AreaNode[];
  /** 襄汾县 / 赵康镇 / 赵康村; the code itself for an area that this user may not see. */
  pathOf: (code: string) => string;
  nameOf: (code: string) => string;
  /** The highest area that this user sees. */
  top: string | undefined;
};

const byCode = (areas: readonly Area[]) => new Map(areas.map((area) => [area.code, area]));

function treeOf(areas: readonly Area[]): AreaNode[] {
  const nodes = new Map<string, AreaNode>(
    areas.map(({ code, name }) => [code, { value: code, title: name, children: [] }]),
  );
  const tops: AreaNode[] = [];
  for (const { code, parent } of areas) {
    const node = nodes.get(code);
    // An operator's own area has a parent that is not in their list.
    if (node) (nodes.get(parent ?? '')?.children ?? tops).push(node);
  }
  return tops;
}

function pathIn(known: Map<string, Area>, code: string): string {
  const names: string[] = [];
  for (let area = known.get(code); area; area = known.get(area.parent ?? '')) names.unshift(area.name);
  return names.length > 0 ? names.join(' / ') : code;
}

function areasOf(list: readonly Area[]): Areas {
  const known = byCode(list);
  const tree = treeOf(list);
  return {
    tree,
    pathOf: (code) => pathIn(known, code),
    nameOf: (code) => known.get(code)?.name ?? code,
    top: tree[0]?.value,
  };
}

export function useAreas(): Areas {
  const { data } = useQuery(areasQuery());
  return useMemo(() => areasOf(data?.items ?? []), [data]);
}
