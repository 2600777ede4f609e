import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { ProfileView, Terminal } from '../http/schemas/terminals.ts';
import { useLanguage } from './i18n.ts';
import { profilesQuery } from './queries.ts';
import { valueText, type Words } from './values.ts';

export type Profiles = ReadonlyMap<string, ProfileView>;

export function useProfiles(): Profiles {
  const { data } = useQuery(profilesQuery());
  return useMemo(() => new Map(data?.items.map((profile) => [profile.profile, profile])), [data]);
}

export function useProfileTitle(): (name: string) => string {
  const profiles = useProfiles();
  const { titleOf } = useLanguage();
  return (name) => {
    const profile = profiles.get(name);
    return profile ? titleOf(profile.title) : name;
  };
}

/** The latest value of a metric in words, or undefined where there is none. */
export function latestText(words: Words, profiles: Profiles, terminal: Terminal, metric: string): string | undefined {
  const latest = terminal.values[metric];
  const view = profiles.get(terminal.profile)?.metrics[metric];
  return latest && view ? valueText(words, metric, view, latest.value) : undefined;
}

export function countersOf(profile: ProfileView | undefined): string[] {
  return Object.entries(profile?.metrics ?? {})
    .filter(([, view]) => view.kind === 'counter')
    .map(([metric]) => metric);
}

/** A metric's name means the same in every profile, so any profile's title for it will do. */
export function useMetricTitle(): (metric: string) => string {
  const profiles = useProfiles();
  const { titleOf } = useLanguage();
  return (metric) => {
    const view = [...profiles.values()].map((profile) => profile.metrics[metric]).find((each) => each !== undefined);
    return view ? titleOf(view.title) : metric;
  };
}
