import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Segmented } from 'antd';
import { useLanguage } from '../i18n.ts';
import { AreaSelect } from '../parts/area-select.tsx';
import { CompanySelect } from '../parts/company-select.tsx';
import { FileButtons } from '../parts/file-buttons.tsx';
import { Paged } from '../parts/paged.tsx';
import { ProposalTable } from '../parts/proposal-table.tsx';
import { proposalsQuery } from '../queries.ts';
import { PROPOSAL_STATES, type ProposalSearch } from '../search.ts';
import { useUser } from '../user.ts';

const route = getRouteApi('/shell/proposals');

export function ProposalsPage() {
  const { t } = useLanguage();
  const { role } = useUser();
  const { state = 'open', ...rest } = route.useSearch();
  const navigate = route.useNavigate();
  const filter = { ...rest, state };
  const change = (part: ProposalSearch) =>
    void navigate({ search: (present) => ({ ...present, ...part }), replace: true });
  return (
    <>
      <h1 className="title">{t('proposal.title')}</h1>
      <p className="quiet before">{t('proposal.hint')}</p>
      <search className="filters">
        <Segmented
          aria-label={t('proposal.state')}
          value={state}
          options={PROPOSAL_STATES.map((value) => ({ value, label: t(`proposal.states.${value}`) }))}
          onChange={(value) => change({ state: value })}
        />
        {role !== 'company' && (
          <CompanySelect value={filter.companyId} onChange={(companyId) => change({ companyId })} />
        )}
        <AreaSelect value={filter.areaCode} onChange={(areaCode) => change({ areaCode })} />
        <FileButtons path="/reports/proposals" query={filter} name="proposals" />
      </search>
      <Paged query={useInfiniteQuery(proposalsQuery(filter))} empty={t(`proposal.none.${state}`)}>
        {(proposals) => <ProposalTable proposals={proposals} />}
      </Paged>
    </>
  );
}
