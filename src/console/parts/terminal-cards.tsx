import type { Terminal } from '../../http/schemas/terminals.ts';
import { useAreas } from '../areas.ts';
import { useLanguage } from '../i18n.ts';
import { countersOf, latestText, useProfiles, useProfileTitle } from '../profiles.ts';
import { Age } from './age.tsx';
import { HouseholdLink } from './household-link.tsx';
import { StatusTag } from './status-tag.tsx';
import { TerminalLink } from './terminal-link.tsx';

const MAIN = ['supply_c', 'return_c', 'room_c', 'setpoint_c', 'power_on', 'valve_open', 'power_kw'];

function Values({ terminal }: { terminal: Terminal }) {
  const { t, titleOf } = useLanguage();
  const profiles = useProfiles();
  const profile = profiles.get(terminal.profile);
  const shown = [...MAIN, ...countersOf(profile)].flatMap((metric) => {
    const text = latestText({ t, titleOf }, profiles, terminal, metric);
    const view = profile?.metrics[metric];
    return text !== undefined && view ? [{ metric, title: titleOf(view.title), text }] : [];
  });
  if (shown.length === 0) return <p className="quiet">{t('terminal.noReading')}</p>;
  return (
    <dl className="card-values">
      {shown.map(({ metric, title, text }) => (
        <div key={metric}>
          <dt>{title}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

export function TerminalCards({ terminals, showHousehold }: { terminals: Terminal[]; showHousehold: boolean }) {
  const { t } = useLanguage();
  const { nameOf } = useAreas();
  const profileTitle = useProfileTitle();
  return (
    <ul className="cards" aria-label={t('terminal.listTitle')}>
      {terminals.map((terminal) => (
        <li key={terminal.id} className="card">
          <div className="card-head">
            {' '}
            <TerminalLink id={terminal.id} />
            <span>
              <StatusTag status={terminal.status} />
              <Age time={terminal.lastSeenAt} />
            </span>
          </div>
          <p className="quiet">
            {showHousehold && (
              <>
                <HouseholdLink terminal={terminal} /> ·{' '}
              </>
            )}
            {profileTitle(terminal.profile)}
            {terminal.areaCode && ` · ${nameOf(terminal.areaCode)}`}
          </p>
          <Values terminal={terminal} />
        </li>
      ))}
    </ul>
  );
}
