import { now } from '../../console/clock.ts';
import type { ProfileView, Terminal } from '../../http/schemas/terminals.ts';
import { fill, useWords } from '../language.tsx';
import { useLoad } from '../load.ts';
import type { Texts } from '../texts-zh.ts';
import { AccountCard } from './account-card.tsx';
import { Part } from './part.tsx';

const LOOK_MS = 15_000;

type Metric = ProfileView['metrics'][string];

function ageText({ age }: Texts, ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return fill(age.seconds, { n: seconds });
  if (seconds < 3_600) return fill(age.minutes, { n: Math.floor(seconds / 60) });
  if (seconds < 86_400) return fill(age.hours, { n: Math.floor(seconds / 3_600) });
  return fill(age.days, { n: Math.floor(seconds / 86_400) });
}

/** A value in words: what `1` means lies in the metric's last word. */
function useValueText() {
  const { texts, titleOf } = useWords();
  return (name: string, { kind, unit, names }: Metric, value: number): string => {
    const title = names?.[String(value)];
    if (title) return titleOf(title);
    if (kind === 'state' && name.endsWith('_open')) return value === 0 ? texts.home.closed : texts.home.open;
    if (kind === 'state' && name.endsWith('_on')) return value === 0 ? texts.home.off : texts.home.on;
    const digits = unit === '°C' ? 1 : 2;
    return `${value.toLocaleString('en-US', { maximumFractionDigits: digits })} ${unit}`.trim();
  };
}

/** How old what is shown is: an old value must not look like the present. */
function Freshness({ terminal: { status, lastSeenAt } }: { terminal: Terminal }) {
  const { texts } = useWords();
  if (lastSeenAt === null) return <p className="worry">{texts.home.never}</p>;
  const age = ageText(texts, now() - Date.parse(lastSeenAt));
  if (status !== 'online') return <p className="worry">{fill(texts.home.stale, { age })}</p>;
  return <p className="quiet">{fill(texts.home.seen, { age })}</p>;
}

const isFirst = (name: string, { kind }: Metric) => kind === 'state' || name === 'room_c' || name === 'setpoint_c';

function TerminalCard({ terminal, profile }: { terminal: Terminal; profile: ProfileView | undefined }) {
  const { texts, titleOf } = useWords();
  const valueText = useValueText();
  const known = Object.entries(profile?.metrics ?? {}).flatMap(([name, metric]) => {
    const latest = terminal.values[name];
    return latest ? [{ name, metric, text: valueText(name, metric, latest.value) }] : [];
  });
  const first = known.filter(({ name, metric }) => isFirst(name, metric));
  const rest = known.filter((each) => !first.includes(each));
  const room = first.find(({ name }) => name === 'room_c');
  const figures = (of: typeof known) => (
    <dl className="figures">
      {of.map(({ name, metric, text }) => (
        <div key={name}>
          <dt>{titleOf(metric.title)}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
  return (
    <section className={terminal.status === 'online' ? 'card' : 'card stale'}>
      <h2>{profile ? titleOf(profile.title) : terminal.profile}</h2>
      {room && (
        <p className="room">
          <span>{texts.home.room}</span> <strong>{room.text}</strong>
        </p>
      )}
      {figures(first.filter((each) => each !== room))}
      <Freshness terminal={terminal} />
      {rest.length > 0 && (
        <details>
          <summary>{texts.home.details}</summary>
          {figures(rest)}
          <p className="quiet code">{terminal.id}</p>
        </details>
      )}
    </section>
  );
}

export function HomePage({ householdId }: { householdId: string }) {
  const { texts } = useWords();
  const terminals = useLoad<{ items: Terminal[] }>('/terminals', { householdId, limit: 100 }, LOOK_MS);
  const profiles = useLoad<{ items: ProfileView[] }>('/profiles');
  return (
    <>
      <Part loaded={terminals}>
        {({ items }) => (
          <Part loaded={profiles}>
            {({ items: known }) =>
              items.length === 0 ? (
                <p className="card quiet">{texts.home.none}</p>
              ) : (
                items.map((terminal) => (
                  <TerminalCard
                    key={terminal.id}
                    terminal={terminal}
                    profile={known.find(({ profile }) => profile === terminal.profile)}
                  />
                ))
              )
            }
          </Part>
        )}
      </Part>
      <AccountCard householdId={householdId} />
    </>
  );
}
