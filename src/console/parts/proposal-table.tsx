import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Button, Table, type TableColumnsType } from 'antd';
import { useState } from 'react';
import type { Proposal } from '../../http/schemas/proposals.ts';
import { post } from '../api.ts';
import { useAreas } from '../areas.ts';
import { useLanguage } from '../i18n.ts';
import { yuan } from '../money.ts';
import { CACHE } from '../queries.ts';
import { useNarrow } from '../use-media.ts';
import { mayBill, useUser } from '../user.ts';
import { AcceptProposal } from './accept-proposal.tsx';
import { Age, Moment } from './age.tsx';
import { CommandStateTag } from './command-state.tsx';
import { ReasonDialog } from './reason-dialog.tsx';
import { Said } from './said.tsx';
import { TerminalLink } from './terminal-link.tsx';

type Choice = { proposal: Proposal; kind: 'accept' | 'dismiss' };

function Dismiss({ proposal, onDone }: { proposal: Proposal; onDone: () => void }) {
  const { t } = useLanguage();
  const client = useQueryClient();
  return (
    <ReasonDialog
      name="dismiss"
      title={t('proposal.dismissTitle')}
      submit={t('proposal.dismissOk')}
      maxLength={200}
      send={(reason) => post<Proposal>(`/proposals/${encodeURIComponent(proposal.id)}/dismiss`, { reason })}
      onDone={() => {
        void client.invalidateQueries({ queryKey: [CACHE.proposals] });
        onDone();
      }}
      onClose={onDone}
    >
      <p className="before">
        {proposal.householdName} {yuan(proposal.balanceFen)}
      </p>
    </ReasonDialog>
  );
}

function Why({ proposal: { cause, owedFen, madeAt } }: { proposal: Proposal }) {
  const { t } = useLanguage();
  return (
    <>
      <strong>{t('proposal.switchOff')}</strong> {cause !== null && t(`proposal.causes.${cause}`)}
      <div className="quiet">
        {t('proposal.owedThen', { amount: yuan(owedFen) })} · <Moment time={madeAt} /> (<Age time={madeAt} />)
      </div>
    </>
  );
}

/** What became of it; a command that was asked for says itself how far it is. */
function Decided({ proposal }: { proposal: Proposal }) {
  const { t } = useLanguage();
  const { state, decidedBy, decidedAt, reason, terminalId, commandState } = proposal;
  return (
    <>
      {commandState !== null ? <CommandStateTag state={commandState} /> : t(`proposal.states.${state}`)}{' '}
      {terminalId !== null && <TerminalLink id={terminalId} />}
      <Said text={reason} by={decidedBy} at={decidedAt} />
    </>
  );
}

function Decide({ proposal, onChoose }: { proposal: Proposal; onChoose: (choice: Choice) => void }) {
  const { t } = useLanguage();
  const name = proposal.householdName;
  return (
    <div className="buttons">
      {(['accept', 'dismiss'] as const).map((kind) => (
        <Button
          key={kind}
          size="small"
          danger={kind === 'accept'}
          aria-label={t(`proposal.${kind}Of`, { name })}
          onClick={() => onChoose({ proposal, kind })}
        >
          {t(`proposal.${kind}`)}
        </Button>
      ))}
    </div>
  );
}

export function ProposalTable({ proposals }: { proposals: Proposal[] }) {
  const { t } = useLanguage();
  const { pathOf } = useAreas();
  const narrow = useNarrow();
  const user = useUser();
  const [choice, setChoice] = useState<Choice>();
  const close = () => setChoice(undefined);
  const why: TableColumnsType<Proposal> = [
    { title: t('proposal.why'), key: 'why', render: (_, proposal) => <Why proposal={proposal} /> },
  ];
  const columns: TableColumnsType<Proposal> = [
    {
      title: t('arrears.household'),
      key: 'household',
      render: (_, proposal) => (
        <>
          <Link to="/households/$id" params={{ id: proposal.householdId }} className="words">
            {proposal.householdName}
          </Link>
          <div className="quiet">
            {proposal.accountNo} · {pathOf(proposal.areaCode)}
          </div>
          {narrow && <Why proposal={proposal} />}
        </>
      ),
    },
    ...(narrow ? [] : why),
    {
      title: t('proposal.balance'),
      key: 'balance',
      align: 'right',
      className: 'nowrap',
      render: (_, { balanceFen }) => <span className={balanceFen < 0 ? 'worry' : undefined}>{yuan(balanceFen)}</span>,
    },
    {
      title: t('proposal.decision'),
      key: 'decision',
      render: (_, proposal) =>
        proposal.state !== 'open' ? (
          <Decided proposal={proposal} />
        ) : mayBill(user) ? (
          <Decide proposal={proposal} onChoose={setChoice} />
        ) : (
          t('proposal.states.open')
        ),
    },
  ];
  return (
    <>
      <Table<Proposal>
        size="small"
        rowKey="id"
        aria-label={t('proposal.title')}
        columns={columns}
        dataSource={proposals}
        pagination={false}
      />
      {choice?.kind === 'accept' && <AcceptProposal proposal={choice.proposal} onClose={close} />}
      {choice?.kind === 'dismiss' && <Dismiss proposal={choice.proposal} onDone={close} />}
    </>
  );
}
