import { Input, InputNumber, Segmented, Select } from 'antd';
import type { ReactNode } from 'react';
import { useLanguage, wordFor } from '../i18n.ts';
import { useProfiles } from '../profiles.ts';
import { AreaSelect } from './area-select.tsx';

/** Which terminals, and what they are to do: of batches and of schedules. */

export type Asked = {
  by: 'area' | 'list';
  areaCode: string | undefined;
  list: string;
  profile: string | undefined;
  command: string | undefined;
  value: string | number | undefined;
  reason: string;
};
export const NOTHING: Asked = {
  by: 'area',
  areaCode: undefined,
  list: '',
  profile: undefined,
  command: undefined,
  value: undefined,
  reason: '',
};

/** What the gateway is asked for; undefined while something is missing. */
export function wishOf(asked: Asked) {
  const { by, areaCode, list, profile, command, value, reason } = asked;
  const terminalIds = list.split(/[\s,;，；]+/).filter((id) => id !== '');
  const isChosen = by === 'area' ? areaCode !== undefined : terminalIds.length > 0;
  if (!isChosen || command === undefined || value === undefined || reason.trim() === '') return undefined;
  return {
    ...(by === 'area' ? { areaCode } : { terminalIds }),
    ...(profile !== undefined && { profile }),
    command,
    value,
    reason: reason.trim(),
  };
}

type Part = { asked: Asked; change: (part: Partial<Asked>) => void };

/** What else narrows the choice stands after it. */
export function Which({ asked, change, children }: Part & { children?: ReactNode }) {
  const { t, titleOf } = useLanguage();
  const profiles = useProfiles();
  return (
    <>
      <Segmented<Asked['by']>
        aria-label={t('batch.which')}
        value={asked.by}
        options={(['area', 'list'] as const).map((by) => ({ value: by, label: t(`batch.by.${by}`) }))}
        onChange={(by) => change({ by })}
      />
      <div className="filters">
        {asked.by === 'area' ? (
          <AreaSelect value={asked.areaCode} onChange={(areaCode) => change({ areaCode })} />
        ) : (
          <Input.TextArea
            className="wide"
            aria-label={t('batch.list')}
            placeholder={t('batch.list')}
            rows={3}
            value={asked.list}
            onChange={(event) => change({ list: event.target.value })}
          />
        )}
        <Select
          className="filter-profile"
          aria-label={t('filter.profile')}
          placeholder={t('filter.allProfiles')}
          value={asked.profile ?? null}
          options={[...profiles.values()].map(({ profile, title }) => ({ value: profile, label: titleOf(title) }))}
          allowClear
          onChange={(profile) => change({ profile: profile ?? undefined })}
        />
        {children}
      </div>
    </>
  );
}

/** `offers`: the words that may be chosen; all when it is left out. `fixed`: the command itself stays. */
export function What({
  asked,
  change,
  offers = () => true,
  fixed = false,
}: Part & { offers?: (value: string) => boolean; fixed?: boolean }) {
  const { t, titleOf } = useLanguage();
  const words = t('command.word', { returnObjects: true });
  const profiles = [...useProfiles().values()].filter(
    ({ profile }) => asked.profile === undefined || asked.profile === profile,
  );
  const all = profiles.flatMap((profile) => Object.entries(profile.commands));
  const titles = new Map(all.map(([name, { title }]) => [name, titleOf(title)]));
  const views = all.filter(([name]) => name === asked.command).map(([, view]) => view);
  const values = [...new Set(views.flatMap((view) => view.values ?? []))].filter(offers);
  return (
    <div className="filters">
      <Select
        className="filter-status"
        aria-label={t('batch.command')}
        placeholder={t('batch.command')}
        disabled={fixed}
        value={asked.command ?? null}
        options={[...titles].map(([value, label]) => ({ value, label }))}
        onChange={(command) => change({ command: command ?? undefined, value: undefined })}
      />
      {values.length > 0 || asked.command === undefined ? (
        <Select
          className="filter-status"
          aria-label={t('batch.value')}
          placeholder={t('batch.value')}
          value={typeof asked.value === 'string' ? asked.value : null}
          options={values.map((value) => ({ value, label: wordFor(words, value) }))}
          onChange={(value) => change({ value: value ?? undefined })}
        />
      ) : (
        <InputNumber<number>
          aria-label={t('batch.value')}
          placeholder={t('batch.value')}
          value={typeof asked.value === 'number' ? asked.value : null}
          onChange={(value) => change({ value: value ?? undefined })}
        />
      )}
      <Input
        className="filter-search"
        aria-label={t('batch.reason')}
        placeholder={t('batch.reason')}
        maxLength={200}
        value={asked.reason}
        onChange={(event) => change({ reason: event.target.value })}
      />
    </div>
  );
}
