import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { Alert, Card } from 'antd';
import type { FullBill } from '../../http/schemas/bills.ts';
import { useLanguage } from '../i18n.ts';
import { yuan } from '../money.ts';
import { Moment } from '../parts/age.tsx';
import { BillActions } from '../parts/bill-actions.tsx';
import { BillLines } from '../parts/bill-lines.tsx';
import { BillState } from '../parts/bill-table.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { UsageBars } from '../parts/usage-bars.tsx';
import { billQuery } from '../queries.ts';
import { mayBill, useUser } from '../user.ts';

const route = getRouteApi('/shell/bills/$id');

/** What a reader must know before the figures. */
function Remarks({ bill }: { bill: FullBill }) {
  const { t } = useLanguage();
  const { state, replacedBy, before, doubtfulDays, lateFen, reason } = bill;
  return (
    <>
      {state === 'held' && <Alert type="warning" showIcon title={t('bill.held')} />}
      {replacedBy !== null && (
        <Alert
          type="info"
          showIcon
          title={t('bill.replaced')}
          action={
            <Link to="/bills/$id" params={{ id: replacedBy }}>
              {t('bill.toNew')}
            </Link>
          }
        />
      )}
      {before !== null && (
        <Alert
          type="info"
          showIcon
          title={t('bill.difference', { before: yuan(before.totalFen), difference: yuan(before.differenceFen) })}
          description={reason}
          action={
            <Link to="/bills/$id" params={{ id: before.id }}>
              {t('bill.toOld')}
            </Link>
          }
        />
      )}
      {lateFen !== null && <Alert type="warning" showIcon title={t('bill.late', { late: yuan(lateFen) })} />}
      {doubtfulDays > 0 && <Alert type="info" showIcon title={t('bill.doubtful', { n: doubtfulDays })} />}
    </>
  );
}

function Head({ bill }: { bill: FullBill }) {
  const { t } = useLanguage();
  return (
    <Card size="small">
      <dl className="figures">
        <div className="figure">
          <dt>{t('bill.total')}</dt>
          <dd>{yuan(bill.totalFen)}</dd>
        </div>
        <div className="figure">
          <dt>{t('bill.charge')}</dt>
          <dd>{yuan(bill.chargeFen)}</dd>
        </div>
        <div className="figure">
          <dt>{t('bill.subsidy')}</dt>
          <dd>{yuan(-bill.subsidyFen)}</dd>
        </div>
      </dl>
      <p className="quiet">
        {t('bill.days', { from: bill.firstDay, to: bill.lastDay })} · {t('bill.madeAt')} <Moment time={bill.madeAt} />
      </p>
    </Card>
  );
}

function Usage({ bill }: { bill: FullBill }) {
  const { t } = useLanguage();
  return (
    <Card size="small" title={<h2>{t('bill.usage')}</h2>}>
      {bill.usage.map(({ terminalId, metric, unit, days }) => (
        <UsageBars
          key={`${terminalId} ${metric}`}
          terminalId={terminalId}
          usage={{
            metric,
            unit,
            items: days.map(({ day, amount, quality }) => ({
              from: `${day}T00:00:00+08:00`,
              to: `${day}T24:00:00+08:00`,
              amount: quality === 'missing' && amount === 0 ? null : amount,
              quality,
            })),
          }}
        />
      ))}
    </Card>
  );
}

export function BillPage() {
  const { t } = useLanguage();
  const { id } = route.useParams();
  const user = useUser();
  return (
    <Loaded query={useQuery(billQuery(id))}>
      {(bill) => (
        <>
          <h1 className="title">
            {t('bill.title')} {bill.period} <BillState state={bill.state} />
          </h1>
          <p className="before">
            <Link to="/households/$id" params={{ id: bill.householdId }}>
              {bill.householdName}
            </Link>{' '}
            <span className="quiet">{bill.accountNo}</span>
          </p>
          <div className="columns">
            <div className="stack">
              <Remarks bill={bill} />
              <Head bill={bill} />
              <Card size="small" title={<h2>{t('bill.lines')}</h2>}>
                <BillLines bill={bill} />
              </Card>
              {mayBill(user) && <BillActions key={bill.id} bill={bill} />}
            </div>
            <div className="stack">
              <Usage bill={bill} />
            </div>
          </div>
        </>
      )}
    </Loaded>
  );
}
