import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { Alert, Input, Modal, Radio } from 'antd';
import { useId, useState } from 'react';
import type { Accepted, Proposal } from '../../http/schemas/proposals.ts';
import type { Terminal } from '../../http/schemas/terminals.ts';
import { post } from '../api.ts';
import { useAnyCommandText } from '../command-text.ts';
import { useLanguage } from '../i18n.ts';
import { yuan } from '../money.ts';
import { type Profiles, useProfiles } from '../profiles.ts';
import { CACHE, judgementQuery, terminalsQuery } from '../queries.ts';
import { useOnce } from '../use-once.ts';
import { CommandStateTag } from './command-state.tsx';
import { type Grave, isGrave, isRefused, needsReason, Verdict } from './confirm-command.tsx';
import { Failure } from './failure.tsx';
import { Loaded } from './loaded.tsx';

type Wish = Grave & { terminalId: string };

/** What of the household's terminals can be switched off, or closed. */
const wishesOf = (terminals: Terminal[], profiles: Profiles): Wish[] =>
  terminals.flatMap(({ id, profile }) =>
    Object.entries(profiles.get(profile)?.commands ?? {}).flatMap(([command, { values }]) =>
      (values ?? []).filter(isGrave).map((value) => ({ terminalId: id, command, value })),
    ),
  );

const keyOf = ({ terminalId, command, value }: Wish): string => JSON.stringify([terminalId, command, value]);

/** What came of it, and no more than that: a command that was asked for has switched nothing yet. */
function Outcome({ accepted: { command } }: { accepted: Accepted }) {
  const { t } = useLanguage();
  return (
    <Alert
      type={command.state === 'held' ? 'warning' : 'info'}
      showIcon
      role="status"
      title={t('proposal.asked')}
      description={
        <>
          <CommandStateTag state={command.state} /> {t(`command.explain.${command.state}`)}
        </>
      }
    />
  );
}

function AcceptForm({ proposal, wishes, onClose }: { proposal: Proposal; wishes: Wish[]; onClose: () => void }) {
  const { t } = useLanguage();
  const text = useAnyCommandText();
  const field = useId();
  const client = useQueryClient();
  const [chosen, setChosen] = useState(wishes[0]);
  const [reason, setReason] = useState('');
  const given = reason.trim();
  const asked = { purpose: 'arrears', ...(given !== '' && { reason: given }) };
  const judgement = useQuery({
    ...judgementQuery(chosen?.terminalId ?? '', chosen?.command ?? '', chosen?.value ?? '', asked),
    enabled: chosen !== undefined,
  }).data;
  const accept = useOnce<Wish & { reason?: string }, Accepted>(
    (body, key) => post(`/proposals/${encodeURIComponent(proposal.id)}/accept`, body, key),
    () => void client.invalidateQueries({ queryKey: [CACHE.proposals] }),
  );
  const unable = chosen === undefined || isRefused(judgement) || (needsReason(judgement) && given === '');
  return (
    <Modal
      open
      title={t('proposal.acceptTitle')}
      okText={t('proposal.acceptOk')}
      okButtonProps={{ danger: true, autoFocus: false, disabled: unable, hidden: accept.isSuccess }}
      cancelText={t(accept.isSuccess ? 'proposal.close' : 'action.cancel')}
      confirmLoading={accept.isPending}
      onOk={() => chosen && accept.once(given === '' ? chosen : { ...chosen, reason: given })}
      onCancel={onClose}
    >
      <div className="confirm">
        <p>{t('proposal.acceptText', { name: proposal.householdName, amount: yuan(-proposal.balanceFen) })}</p>
        {accept.isSuccess ? (
          <Outcome accepted={accept.data} />
        ) : wishes.length === 0 ? (
          <Alert type="warning" showIcon title={t('proposal.nothingToSwitch')} />
        ) : (
          <>
            <Radio.Group
              className="choices"
              aria-label={t('proposal.what')}
              value={chosen && keyOf(chosen)}
              options={wishes.map((wish) => ({ value: keyOf(wish), label: `${wish.terminalId}: ${text(wish)}` }))}
              onChange={({ target }) => setChosen(wishes.find((wish) => keyOf(wish) === target.value))}
            />
            {judgement && <Verdict judgement={judgement} />}
            <label htmlFor={field}>
              {t(needsReason(judgement) ? 'command.reasonNeeded' : 'command.reasonOptional')}
            </label>
            <Input.TextArea
              id={field}
              rows={2}
              maxLength={200}
              value={reason}
              onChange={({ target }) => setReason(target.value)}
            />
            {accept.error && <Failure error={accept.error} />}
          </>
        )}
      </div>
    </Modal>
  );
}

/** Nothing is switched by accepting: the command is asked for, and the policies and a second person have their say. */
export function AcceptProposal({ proposal, onClose }: { proposal: Proposal; onClose: () => void }) {
  const profiles = useProfiles();
  const query = useInfiniteQuery(terminalsQuery({ householdId: proposal.householdId }));
  if (profiles.size === 0) return null;
  return (
    <Loaded query={query}>
      {({ pages }) => (
        <AcceptForm
          proposal={proposal}
          wishes={wishesOf(
            pages.flatMap(({ items }) => items),
            profiles,
          )}
          onClose={onClose}
        />
      )}
    </Loaded>
  );
}
