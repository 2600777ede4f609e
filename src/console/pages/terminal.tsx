import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Tag } from 'antd';
import type { ProfileView, Terminal } from '../../http/schemas/terminals.ts';
import { useLanguage } from '../i18n.ts';
import { Age } from '../parts/age.tsx';
import { CommandsCard } from '../parts/commands-card.tsx';
import { ControlCard } from '../parts/control-card.tsx';
import { CredentialsCard } from '../parts/credentials-card.tsx';
import { HistoryCard } from '../parts/history-card.tsx';
import { HouseholdLink } from '../parts/household-link.tsx';
import { IdentityCard } from '../parts/identity-card.tsx';
import { LatestCard } from '../parts/latest-card.tsx';
import { Loaded } from '../parts/loaded.tsx';
import { StatusTag } from '../parts/status-tag.tsx';
import { TerminalUse } from '../parts/terminal-use.tsx';
import { useProfiles } from '../profiles.ts';
import { terminalQuery } from '../queries.ts';
import { mayProvision, maySwitch, useUser } from '../user.ts';

const route = getRouteApi('/shell/terminals/$id');

function Views({ terminal, profile }: { terminal: Terminal; profile: ProfileView }) {
  const user = useUser();
  const switchable = Object.keys(profile.commands).length > 0;
  return (
    <div className="stack">
      <LatestCard terminal={terminal} profile={profile} />
      <div className="columns columns-controls">
        <div className="stack">
          {switchable && maySwitch(user) && <ControlCard terminal={terminal} profile={profile} />}
          {switchable && user.role !== 'resident' && <CommandsCard terminalId={terminal.id} profile={profile} />}
          <IdentityCard terminal={terminal} />
          {terminal.connection.type === 'mqtt' && mayProvision(user) && <CredentialsCard terminal={terminal} />}
        </div>
        <div className="stack">
          <HistoryCard terminal={terminal} profile={profile} />
          <TerminalUse terminalId={terminal.id} profile={profile} />
        </div>
      </div>
    </div>
  );
}

function TerminalView({ terminal }: { terminal: Terminal }) {
  const { t } = useLanguage();
  const profile = useProfiles().get(terminal.profile);
  return (
    <>
      <div className="title-line">
        <h1 className="title">{terminal.id}</h1>
        <StatusTag status={terminal.status} />
        {terminal.unclaimed && <Tag color="gold">{t('credentials.waits')}</Tag>}
        <Age time={terminal.lastSeenAt} />
        <HouseholdLink terminal={terminal} />
      </div>
      {profile ? <Views terminal={terminal} profile={profile} /> : <IdentityCard terminal={terminal} />}
    </>
  );
}

export function TerminalPage() {
  const { id } = route.useParams();
  // The key: what was chosen or typed for one terminal must not stay for the next.
  return (
    <Loaded query={useQuery(terminalQuery(id))}>{(terminal) => <TerminalView key={id} terminal={terminal} />}</Loaded>
  );
}
