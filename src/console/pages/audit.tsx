import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Alert, Input, type TableColumnsType } from 'antd';
import type { AuditEntry, AuditState } from '../../http/schemas/audit.ts';
import { actorText, useAuditText } from '../audit-text.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { Moment } from '../parts/age.tsx';
import { RecordPage } from '../parts/record-page.tsx';
import { RefusalFilters } from '../parts/refusal-filters.tsx';
import { SearchBox } from '../parts/search-box.tsx';
import { TerminalLink } from '../parts/terminal-link.tsx';
import { type AuditFilter, auditQuery, auditStateQuery } from '../queries.ts';
import { midnight } from '../time.ts';
import { useNarrow } from '../use-media.ts';
import { useUser } from '../user.ts';

const route = getRouteApi('/shell/audit');

function About({ entry }: { entry: AuditEntry }) {
  const { t } = useLanguage();
  const text = useAuditText();
  const { householdId, accountNo } = entry.detail;
  return (
    <>
      <div className="buttons">
        {entry.terminalId !== null && <TerminalLink id={entry.terminalId} />}
        {typeof householdId === 'string' && (
          <Link to="/households/$id" params={{ id: householdId }}>
            {t('audit.household', { no: typeof accountNo === 'string' ? accountNo : '' })}
          </Link>
        )}
      </div>
      <div className="words">{text(entry)}</div>
    </>
  );
}

function useColumns(): TableColumnsType<AuditEntry> {
  const { t } = useLanguage();
  const narrow = useNarrow();
  const actions = t('audit.actions', { returnObjects: true });
  const wide: TableColumnsType<AuditEntry> = [
    { title: '#', dataIndex: 'seq', align: 'right' },
    { title: t('audit.at'), key: 'at', render: (_, { at }) => <Moment time={at} /> },
    { title: t('audit.actor'), key: 'actor', render: (_, { actor }) => actorText(t, actor) },
  ];
  return [
    ...(narrow ? [] : wide),
    {
      title: t('audit.what'),
      key: 'what',
      render: (_, entry) => (
        <>
          <strong>{wordFor(actions, entry.action)}</strong>
          {narrow && (
            <div className="quiet">
              {entry.seq} · {actorText(t, entry.actor)} · <Moment time={entry.at} /> <About entry={entry} />
            </div>
          )}
        </>
      ),
    },
    ...(narrow
      ? []
      : [
          { title: t('audit.about'), key: 'about', render: (_: unknown, entry: AuditEntry) => <About entry={entry} /> },
        ]),
  ];
}

function Filters() {
  const { t } = useLanguage();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const change = (part: AuditFilter) =>
    void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  const day = (part: 'from' | 'to') => (
    <Input
      type="date"
      className="filter-day"
      aria-label={t(`audit.${part}`)}
      prefix={<span className="quiet">{t(`audit.${part}`)}</span>}
      value={filter[part] ?? ''}
      onChange={({ target }) => change({ [part]: target.value || undefined })}
    />
  );
  return (
    <RefusalFilters
      terminalId={filter.terminalId}
      onTerminal={(terminalId) => change({ terminalId })}
      label={t('audit.what')}
      all={t('audit.allActions')}
      words={t('audit.actions', { returnObjects: true })}
      chosen={filter.action}
      onChoose={(action) => change({ action })}
    >
      <SearchBox
        label={t('audit.actor')}
        value={filter.actor ?? ''}
        onChange={(text) => change({ actor: text.trim() || undefined })}
      />
      {day('from')}
      {day('to')}
    </RefusalFilters>
  );
}

/** Only of the rows that a whole look has seen can it be said that they are as they were. */
function Verified({ head, checked, verified, faults }: AuditState) {
  const { t, language } = useLanguage();
  const number = (n: number) => n.toLocaleString(language);
  const newest = head?.seq ?? 0;
  const progress = t('audit.checking', { n: number(checked.seq), of: number(newest) });
  if (faults.length > 0) {
    const words = t('audit.faults', { returnObjects: true });
    const lines = faults.map(({ kind, seq, to }) => {
      const where = seq === to ? String(seq) : `${seq}–${to}`;
      return <div key={`${kind} ${seq}`}>{t('audit.faultAt', { seq: where, what: wordFor(words, kind) })}</div>;
    });
    return <Alert type="error" showIcon title={t('audit.changed')} description={lines} />;
  }
  if (verified === null || verified.seq === 0) return <Alert type="info" showIcon title={progress} />;
  const isUnderWay = Date.parse(checked.since) > Date.parse(verified.at);
  return (
    <Alert
      type="success"
      showIcon
      title={t('audit.sound', { n: number(verified.seq) })}
      description={
        <>
          {t('audit.verifiedAt')} <Moment time={verified.at} />
          {newest > verified.seq && ` · ${t('audit.since', { n: number(newest - verified.seq) })}`}
          {isUnderWay && ` · ${progress}`}
        </>
      }
    />
  );
}

/** For the administrator: whether anybody has changed the record. */
function Verification() {
  const { data } = useQuery(auditStateQuery());
  return data ? <Verified {...data} /> : null;
}

export function AuditPage() {
  const { t } = useLanguage();
  const { from, to, ...filter } = route.useSearch();
  const query = useInfiniteQuery(auditQuery({ ...filter, from: midnight(from), to: midnight(to, 1) }));
  return (
    <RecordPage
      title={t('audit.title')}
      hint={t('audit.hint')}
      none={t('audit.none')}
      rowKey="seq"
      columns={useColumns()}
      query={query}
    >
      {useUser().role === 'admin' && <Verification />}
      <Filters />
    </RecordPage>
  );
}
