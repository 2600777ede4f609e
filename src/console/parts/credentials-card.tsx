import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { App, Button, Card, Tag } from 'antd';
import type { CredentialState, NewCredentials } from '../../http/schemas/provisioning.ts';
import type { ClaimCode, Terminal } from '../../http/schemas/terminals.ts';
import { post, remove } from '../api.ts';
import { useLanguage } from '../i18n.ts';
import { CACHE, credentialsQuery } from '../queries.ts';
import { dateTime } from '../time.ts';
import { Failure } from './failure.tsx';
import { Loaded } from './loaded.tsx';
import { Once } from './once.tsx';

function State({ of: { state, previousUntil }, waits }: { of: CredentialState; waits: boolean }) {
  const { t, language } = useLanguage();
  return (
    <>
      <p>
        {t(`credentials.states.${state}`)} {waits && <Tag color="gold">{t('credentials.waits')}</Tag>}
      </p>
      {previousUntil !== null && (
        <p className="quiet">{t('credentials.until', { time: dateTime(previousUntil, language) })}</p>
      )}
    </>
  );
}

/** A new password, a new claim code, or none of either: each is asked for before, since it cannot be taken back. */
function useActions(id: string) {
  const { t } = useLanguage();
  const { modal } = App.useApp();
  const client = useQueryClient();
  const path = `/terminals/${encodeURIComponent(id)}`;
  const onSettled = () => client.invalidateQueries({ queryKey: [CACHE.credentials, id] });
  const rotate = useMutation({ mutationFn: () => post<NewCredentials>(`${path}/credentials`, {}), onSettled });
  const newCode = useMutation({ mutationFn: () => post<ClaimCode>(`${path}/claim-code`, {}), onSettled });
  const revoke = useMutation({
    mutationFn: () => remove(`${path}/credentials`),
    onSuccess: () => rotate.reset(),
    onSettled,
  });
  const ask = (words: { title: string; content: string; okText: string; danger?: boolean }, onOk: () => void) => {
    const { danger = false, ...rest } = words;
    void modal.confirm({ ...rest, cancelText: t('action.cancel'), okButtonProps: { danger }, onOk });
  };
  return {
    rotate,
    newCode,
    revoke,
    askRotate: () =>
      ask(
        {
          title: t('credentials.rotateTitle'),
          content: t('credentials.rotateText'),
          okText: t('credentials.rotateOk'),
        },
        () => rotate.mutate(),
      ),
    askNewCode: () =>
      ask(
        {
          title: t('credentials.newCodeTitle'),
          content: t('credentials.newCodeText'),
          okText: t('credentials.rotateOk'),
        },
        () => newCode.mutate(),
      ),
    askRevoke: () =>
      ask(
        {
          title: t('credentials.revokeTitle', { id }),
          content: t('credentials.revokeText'),
          okText: t('credentials.revokeOk'),
          danger: true,
        },
        () => revoke.mutate(),
      ),
  };
}

export function CredentialsCard({ terminal: { id, unclaimed } }: { terminal: Terminal }) {
  const { t } = useLanguage();
  const { rotate, newCode, revoke, askRotate, askNewCode, askRevoke } = useActions(id);
  const error = rotate.error ?? newCode.error ?? revoke.error;
  return (
    <Card size="small" title={<h2>{t('credentials.title')}</h2>}>
      <div className="stack">
        <Loaded query={useQuery(credentialsQuery(id))}>
          {(state) => (
            <>
              <div>
                <State of={state} waits={unclaimed} />
              </div>
              <div className="buttons">
                <Button loading={rotate.isPending} onClick={askRotate}>
                  {t('credentials.rotate')}
                </Button>
                {unclaimed && (
                  <Button loading={newCode.isPending} onClick={askNewCode}>
                    {t('credentials.newCode')}
                  </Button>
                )}
                <Button danger disabled={state.state === 'none'} loading={revoke.isPending} onClick={askRevoke}>
                  {t('credentials.revoke')}
                </Button>
              </div>
            </>
          )}
        </Loaded>
        {error && <Failure error={error} />}
        {rotate.data && (
          <Once
            items={[
              { label: t('credentials.username'), secret: rotate.data.username },
              { label: t('credentials.password'), secret: rotate.data.password },
            ]}
          />
        )}
        {newCode.data && (
          <Once
            items={[
              { label: t('credentials.code'), secret: newCode.data.code },
              { label: t('credentials.qr'), secret: newCode.data.text },
            ]}
          />
        )}
      </div>
    </Card>
  );
}
