import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Alert, Button, Empty, Segmented, Select } from 'antd';
import type { Taking, Takings } from '../../http/schemas/reports.ts';
import { now } from '../clock.ts';
import { useLanguage, wordFor } from '../i18n.ts';
import { yuan } from '../money.ts';
import { AreaSelect } from '../parts/area-select.tsx';
import { CompanySelect } from '../parts/company-select.tsx';
import { DayRange } from '../parts/day-range.tsx';
import { FileButtons } from '../parts/file-buttons.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { TakingsTable } from '../parts/takings-table.tsx';
import { takingsQuery } from '../queries.ts';
import { TAKINGS_BY, type TakingsSearch } from '../search.ts';
import { dayOf, daysBetween } from '../time.ts';
import { useUser } from '../user.ts';

const route = getRouteApi('/shell/takings');

const DAY_MS = 86_400_000;
type Change = (part: TakingsSearch) => void;
type Asked = Parameters<typeof takingsQuery>[0];

/** What a clerk asks for most: the day that ends, the day before, the month so far. */
function spans(): { key: 'today' | 'yesterday' | 'month'; from: string; to: string }[] {
  const today = dayOf(now());
  const yesterday = dayOf(now() - DAY_MS);
  return [
    { key: 'today', from: today, to: today },
    { key: 'yesterday', from: yesterday, to: yesterday },
    { key: 'month', from: `${today.slice(0, 7)}-01`, to: today },
  ];
}

/** Everybody who took something in, whichever lines the table has and whoever was chosen before. */
function Who({ value, asked, onChange }: { value: string | undefined; asked: Asked; onChange: Change }) {
  const { t } = useLanguage();
  const { username } = useUser();
  const methods: Record<string, string> = t('payment.methods', { returnObjects: true });
  const all = useQuery({
    ...takingsQuery({ ...asked, by: 'clerk', receivedBy: undefined }),
    enabled: asked.from < asked.to,
  });
  const takings: Taking[] = all.data?.items ?? [];
  const names = new Set([username, ...(value === undefined ? [] : [value]), ...takings.map((one) => one.receivedBy)]);
  const options = [...names].flatMap((name) =>
    name === null ? [] : { value: name, label: name === username ? t('takings.me', { name }) : wordFor(methods, name) },
  );
  return (
    <Select<string | null>
      className="filter-profile"
      aria-label={t('takings.receivedBy')}
      placeholder={t('takings.allClerks')}
      value={value ?? null}
      options={options}
      allowClear
      onChange={(name) => onChange({ receivedBy: name ?? undefined })}
    />
  );
}

type Days = { from: string; to: string };

/** `days` are what is chosen, and `asked` has them as the gateway is asked. */
function Filters({ days, asked, onChange }: { days: Days; asked: Asked; onChange: Change }) {
  const { t } = useLanguage();
  const { role } = useUser();
  const methods = t('payment.methods', { returnObjects: true });
  return (
    <search className="filters">
      {spans().map(({ key, from, to }) => (
        <Button
          key={key}
          type={days.from === from && days.to === to ? 'primary' : 'default'}
          aria-pressed={days.from === from && days.to === to}
          onClick={() => onChange({ from, to })}
        >
          {t(`takings.spans.${key}`)}
        </Button>
      ))}
      <DayRange {...days} onChange={onChange} />
      {role !== 'company' && (
        <CompanySelect value={asked.companyId} onChange={(companyId) => onChange({ companyId })} />
      )}
      <AreaSelect value={asked.areaCode} onChange={(areaCode) => onChange({ areaCode })} />
      <Select<string | null>
        className="filter-status"
        aria-label={t('payment.method')}
        placeholder={t('takings.allMethods')}
        value={asked.method ?? null}
        options={Object.entries(methods).map(([value, label]) => ({ value, label }))}
        allowClear
        onChange={(method) => onChange({ method: method ?? undefined })}
      />
      <Who value={asked.receivedBy} asked={asked} onChange={onChange} />
    </search>
  );
}

/** What each method brought, less what was given back by it: of cash, what must have come into the till. */
function Nets({ takings: { items, total } }: { takings: Takings }) {
  const { t } = useLanguage();
  const methods: Record<string, string> = t('payment.methods', { returnObjects: true });
  const nets = new Map<string, number>();
  for (const { method, amountFen, givenBackFen } of items)
    nets.set(method, (nets.get(method) ?? 0) + amountFen - givenBackFen);
  const figures = [...nets].map(([method, fen]) => [wordFor(methods, method), fen] as const);
  return (
    <dl className="figures account-figures before">
      {[[t('takings.net'), total.amountFen - total.givenBackFen] as const, ...figures].map(([name, fen]) => (
        <div key={name} className="figure">
          <dt>{name}</dt>
          <dd className={fen < 0 ? 'figure-worry' : undefined}>{yuan(fen)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Both days are in it. Without any, today in Shanghai. */
export function TakingsPage() {
  const { t } = useLanguage();
  const navigate = route.useNavigate();
  const today = dayOf(now());
  const { from = today, to = today, by = 'clerk', ...rest } = route.useSearch();
  const change: Change = (part) => void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  const asked = { ...rest, by, ...daysBetween(from, to) };
  const isSpan = from <= to;
  const query = useQuery({ ...takingsQuery(asked), enabled: isSpan });
  return (
    <>
      <h1 className="title">{t('takings.title')}</h1>
      <p className="quiet before">{t('takings.hint')}</p>
      <Filters days={{ from, to }} asked={asked} onChange={change} />
      {isSpan ? (
        <>
          <div className="filters">
            <Segmented
              aria-label={t('takings.by')}
              value={by}
              options={TAKINGS_BY.map((value) => ({ value, label: t(`takings.bys.${value}`) }))}
              onChange={(value) => change({ by: value })}
            />
            <FileButtons
              path="/reports/takings"
              query={asked}
              name={`takings-${from === to ? from : `${from}-${to}`}`}
            />
          </div>
          <Loaded query={query}>
            {(takings) =>
              takings.items.length === 0 ? (
                <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('takings.none')} />
              ) : (
                <>
                  <Nets takings={takings} />
                  <TakingsTable takings={takings} by={by} />
                </>
              )
            }
          </Loaded>
        </>
      ) : (
        <Alert type="warning" showIcon title={t('takings.noSpan')} />
      )}
    </>
  );
}
