import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Button, Modal } from 'antd';
import { useState } from 'react';
import type { ClockState } from '../../http/schemas/clock.ts';
import { post } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { CACHE, clockQuery } from '../queries.ts';
import { dateTime } from '../time.ts';
import { maySwitch, mayTrustClock, useUser } from '../user.ts';
import { Failure } from './failure.tsx';

/** The gateway compares its clock with this computer's, which is what the person has looked at. */
function TrustClock({ time }: Pick<ClockState, 'time'>) {
  const { t, language } = useLanguage();
  const client = useQueryClient();
  const [own, setOwn] = useState<string>();
  const trust = useMutation({
    mutationFn: () => post<ClockState>('/clock/trust', { time: new Date().toISOString() }),
    onSuccess: (state) => client.setQueryData([CACHE.clock], state),
  });
  return (
    <>
      <Button size="small" onClick={() => setOwn(new Date().toISOString())}>
        {t('clock.trust')}
      </Button>
      <Modal
        open={own !== undefined}
        title={t('clock.trustTitle')}
        okText={t('clock.trust')}
        okButtonProps={{ danger: true, autoFocus: false }}
        cancelText={t('action.back')}
        confirmLoading={trust.isPending}
        onOk={() => trust.mutate()}
        onCancel={() => setOwn(undefined)}
      >
        <div className="confirm">
          <p>{t('clock.gatewaySays', { time: dateTime(time, language) })}</p>
          {own !== undefined && <p>{t('clock.computerSays', { time: dateTime(own, language) })}</p>}
          <p className="quiet">{t('clock.trustNote')}</p>
          {trust.error && <Failure error={trust.error} />}
        </div>
      </Modal>
    </>
  );
}

function Unsure() {
  const { t, language } = useLanguage();
  const user = useUser();
  const { data } = useQuery(clockQuery());
  if (!data || data.trouble === null) return null;
  const { trouble, jumpS, sureInS, time } = data;
  return (
    <Alert
      className="before"
      type="warning"
      showIcon
      title={t(`clock.troubles.${trouble}`, { s: jumpS, time: dateTime(time, language) })}
      description={
        <>
          <div>{trouble === 'jumped' ? t('clock.sureIn', { n: sureInS }) : t('clock.mend')}</div>
          {trouble === 'jumped' && mayTrustClock(user) && <TrustClock time={time} />}
        </>
      }
    />
  );
}

/** Those who switch are told while the gateway's clock is not trusted, and nothing is switched off. */
export const ClockNotice = () => (maySwitch(useUser()) ? <Unsure /> : null);
